package query

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
)

// NodeID is the globally unique id of an object of an answer: its type, its project and its id
// there. Clients see it in base64url and do not take it apart.
type NodeID struct {
	of      string
	project uint32
	id      string
	texts
}

// nodeID names an object. Of several parts all but the last have a fixed form, so that no two
// objects have one id.
func (t texts) nodeID(of string, project uint32, parts ...string) NodeID {
	return NodeID{of, project, strings.Join(parts, ":"), t}
}

// ImplementsGraphQLType names the scalar.
func (NodeID) ImplementsGraphQLType(name string) bool { return name == "ID" }

// UnmarshalGraphQL refuses: see [input].
func (*NodeID) UnmarshalGraphQL(any) error { return output{}.refuse() }

// MarshalJSON writes a JSON string.
func (n NodeID) MarshalJSON() ([]byte, error) {
	content := n.of + ":" + strconv.FormatUint(uint64(n.project), 10)
	if n.id != "" {
		content += ":" + n.id
	}
	written, err := json.Marshal(base64.RawURLEncoding.EncodeToString([]byte(content)))
	n.meter.Write(len(written))
	return written, err
}

// The types of which several rows of an answer may describe the same object.
const (
	typeUser         = "User"
	typeTag          = "Tag"
	typeCampaign     = "Campaign"
	typeRoutingRule  = "RoutingRule"
	typeRoutingGroup = "RoutingGroup"
)

// identity is an object that several rows may describe.
type identity struct {
	of      string
	project uint32
	id      string
}

// description is what a row says of an object; nil where it says nothing.
type description struct {
	at                int64 // when the row did, in milliseconds
	kind, name, email *string
}

// directory has one description of each object of an answer, so that an answer calls nothing by two
// names. Rows are described to it before they are shown: of the rows that are read together, the
// latest that say something decide. Once an object is in the answer, its description stays.
type directory struct {
	mu    sync.Mutex
	known map[identity]description
}

// learn takes the descriptions of rows that are read together.
func (d *directory) learn(describe func(say func(identity, description))) {
	type latest struct{ kind, name, email description }
	found := map[identity]*latest{}
	describe(func(of identity, says description) {
		l := found[of]
		if l == nil {
			l = new(latest)
			found[of] = l
		}
		if says.kind != nil && (l.kind.kind == nil || says.at >= l.kind.at) {
			l.kind = says
		}
		if says.name != nil && (l.name.name == nil || says.at >= l.name.at) {
			l.name = says
		}
		if says.email != nil && (l.email.email == nil || says.at >= l.email.at) {
			l.email = says
		}
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[identity]description{}
	}
	for of, l := range found {
		if _, shown := d.known[of]; !shown {
			d.known[of] = description{kind: l.kind.kind, name: l.name.name, email: l.email.email}
		}
	}
}

// find returns the description of an object. One that no row has described is known by its id only.
func (d *directory) find(of identity) description {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[identity]description{}
	}
	known, found := d.known[of]
	if !found {
		d.known[of] = known
	}
	return known
}

// user is an operator as the answer describes them.
func (r *request) user(project uint32, id int64) User {
	known := r.directory.find(identity{typeUser, project, strconv.FormatInt(id, 10)})
	user := User{
		NodeID: r.nodeID(typeUser, project, strconv.FormatInt(id, 10)), ID: LegacyID(id), LegacyID: LegacyID(id),
		Kind: known.kind, Name: r.maybe(known.name), Email: r.maybe(known.email),
	}
	if known.name != nil {
		first, last, several := strings.Cut(*known.name, " ")
		user.FirstName = r.maybe(&first)
		if several {
			user.LastName = r.maybe(&last)
		}
	}
	return user
}

// entity is an object with a name, as the answer describes it; nil without an id.
func (r *request) entity(of string, project uint32, id *string) *Named {
	if id == nil {
		return nil
	}
	known := r.directory.find(identity{of, project, *id})
	return &Named{r.nodeID(of, project, *id), r.of(*id), r.maybe(known.name)}
}

// describe says what the row says of objects.
func (r *ConversationRow) describe(say func(identity, description)) {
	user := func(id int64, says description) { say(identity{typeUser, r.Project, strconv.FormatInt(id, 10)}, says) }
	named := func(of string, id, name *string, at int64) {
		if id != nil {
			say(identity{of, r.Project, *id}, description{at: at, name: name})
		}
	}
	// What the whole conversation says is as late as its end.
	end := int64(lastMoment)
	if r.ClosedAt != nil {
		end = *r.ClosedAt
	}
	for i, id := range r.UserIDs {
		user(id, description{end, nonEmpty(r.UserKinds[i]), r.UserNames[i], r.UserEmails[i]})
	}
	for i, at := range r.MarkAt {
		if id := r.MarkFromIDs[i]; id != nil {
			user(*id, description{at, r.MarkFromKinds[i], r.MarkFromNames[i], r.MarkFromEmails[i]})
		}
		if id := r.MarkToIDs[i]; id != nil {
			user(*id, description{at, r.MarkToKinds[i], r.MarkToNames[i], r.MarkToEmails[i]})
		}
		named(typeRoutingRule, r.MarkToRuleIDs[i], r.MarkToRuleNames[i], at)
		named(typeRoutingGroup, r.MarkToGroupIDs[i], r.MarkToGroupNames[i], at)
	}
	for i, at := range r.RoutingAt {
		named(typeRoutingRule, &r.RoutingRuleIDs[i], r.RoutingRuleNames[i], at)
		named(typeRoutingGroup, r.RoutingGroupIDs[i], r.RoutingGroupNames[i], at)
	}
	for i := range r.TagIDs {
		named(typeTag, &r.TagIDs[i], r.TagNames[i], end)
	}
	named(typeCampaign, r.CampaignID, r.CampaignName, end)
}

// describe says what the row says of objects.
func (r *ContactRow) describe(say func(identity, description)) {
	if r.OperatorID != 0 {
		says := description{r.StartedAt, nonEmpty(r.OperatorKind), r.OperatorName, r.OperatorEmail}
		say(identity{typeUser, r.Project, strconv.FormatInt(r.OperatorID, 10)}, says)
	}
	if r.RuleID != nil {
		say(identity{typeRoutingRule, r.Project, *r.RuleID}, description{at: r.StartedAt, name: r.RuleName})
	}
	if r.GroupID != nil {
		say(identity{typeRoutingGroup, r.Project, *r.GroupID}, description{at: r.StartedAt, name: r.GroupName})
	}
}
