package schema

// Readers for references of an event: operators, and entities with an id and an optional name.

var (
	refMembers        = []member{{"id", true}, {"name", false}}
	userMembers       = []member{{"id", true}, {"kind", false}, {"name", false}, {"email", false}}
	pushedUserMembers = []member{{"id", true}, {"kind", true}, {"name", false}, {"email", false}}

	operatorKinds = []UserKind{KindProfessional, KindExpert, KindBot}
)

// ref reads a routing rule, routing group, campaign or tag. The id must not be
// empty.
func (o *object) ref(into *Ref) {
	in := o.object(refMembers)
	for in.next() {
		switch in.name {
		case "id":
			into.ID = in.id()
		case "name":
			into.Name = in.optName()
		}
	}
	o.nest(in.end())
}

func (o *object) optRef() *Ref {
	r := new(Ref)
	o.ref(r)
	return r
}

// user reads an operator. Which members are required depends on where it is.
func (o *object) user(into *User, members []member) {
	in := o.object(members)
	for in.next() {
		switch in.name {
		case "id":
			into.ID = in.operatorID()
		case "kind":
			into.Kind = enum(&in, operatorKinds)
		case "name":
			into.Name = in.optName()
		case "email":
			into.Email = in.optName()
		}
	}
	o.nest(in.end())
}

func (o *object) optUser() *User {
	u := new(User)
	o.user(u, userMembers)
	return u
}
