package fold

import (
	"cmp"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// users are the operators who took part: every one pushed to, and every
// operator-side author with an id. A repeated messageId adds no user.
type users struct{ keyed[schema.OperatorID, user] }

type user struct {
	schema.User
	pushed bool
}

// pushed records an operator pushed to.
func (u *users) pushed(to schema.User) {
	known := u.find(to.ID)
	if known == nil {
		known = u.add(to.ID, user{User: to})
	}
	known.pushed, known.Kind = true, to.Kind
	known.Name = cmp.Or(to.Name, known.Name)
	known.Email = cmp.Or(to.Email, known.Email)
}

// wrote records the author of a message. The kind given by a push takes
// precedence over the kind given by a message.
func (u *users) wrote(data *schema.Message) {
	if data.OperatorID == nil || data.AuthorKind == schema.KindVisitor {
		return
	}
	known := u.find(*data.OperatorID)
	if known == nil {
		known = u.add(*data.OperatorID, user{User: schema.User{ID: *data.OperatorID}})
	}
	if !known.pushed {
		known.Kind = data.AuthorKind
	}
}

// fill sets the users of the row, ascending by id: the first ones, and how many
// there are.
func (u *users) fill(c *Conversation) {
	if len(u.list) == 0 {
		return
	}
	c.Users = make([]schema.User, len(u.list))
	for i := range u.list {
		c.Users[i] = u.list[i].User
	}
	slices.SortFunc(c.Users, func(a, b schema.User) int { return cmp.Compare(a.ID, b.ID) })
	c.UserCount = uint32(len(c.Users))
	c.Users = slices.Clip(c.Users[:min(len(c.Users), schema.MaxListed)])
}
