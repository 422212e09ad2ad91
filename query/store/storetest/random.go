package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Shape says what a random world is like.
type Shape struct {
	Seed          uint64
	Projects      []uint32
	Conversations int // of each project
	// From and To bound the times at which conversations begin.
	From, To Millis
}

// The values that random rows draw from.
var (
	channels  = []string{"CHAT", "EMAIL", "SMS", "WHATSAPP", "UNKNOWN"}
	languages = []string{"en", "fr", "de"}
	campaigns = []string{"spring", "o'hara", `back\slash`}
	tags      = []string{"vip", "late", "refund", "tab\ttag"}
	rules     = []string{"rule-1", "rule-2", "rule-3"}
	groups    = []string{"group-1", "group-2"}
	reasons   = []string{"VISITOR_DROPPED_OFF_SCENARIO", "END_OF_BOT_SCENARIO"}
	money     = []string{"EUR", "USD", "JPY"}
	kinds     = []string{"PROFESSIONAL", "EXPERT", "BOT"}
)

// Random makes a world of closed and open conversations.
func Random(shape Shape) *World {
	w := new(World)
	d := &dice{rand.New(rand.NewPCG(shape.Seed, 1)), shape, 0}
	for _, project := range shape.Projects {
		for range shape.Conversations {
			d.conversation(w, project)
		}
	}
	return w
}

type dice struct {
	*rand.Rand
	shape    Shape
	sequence uint64
}

func (d *dice) chance(percent int) bool { return d.IntN(100) < percent }

func pick[V any](d *dice, values []V) V { return values[d.IntN(len(values))] }

func maybe[V any](d *dice, percent int, value V) *V {
	if d.chance(percent) {
		return &value
	}
	return nil
}

// uuid is any UUID; they sort in no order of time.
func (d *dice) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", d.Uint32(), d.IntN(1<<16), d.IntN(1<<12), d.IntN(1<<12), d.Uint64N(1<<48))
}

// operator has an id that implies the kind, so that one operator has one kind.
func (d *dice) operator() User {
	id := int64(1 + d.IntN(9))
	name, email := fmt.Sprintf("Operator %d", id), fmt.Sprintf("op%d@example.com", id)
	return User{ID: id, Kind: kinds[id%3], Name: &name, Email: &email}
}

func (d *dice) conversation(w *World, project uint32) {
	created := d.shape.From + Millis(d.Int64N(int64(d.shape.To-d.shape.From)))
	if d.chance(10) { // some share an instant
		created -= created % 3_600_000
	}
	c := Conversation{
		Project: project, ID: d.uuid(), BeganAt: created, CreatedAt: created,
		Channel: pick(d, channels), Language: maybe(d, 80, pick(d, languages)), Initiator: maybe(d, 80, "VISITOR"),
		Campaign: maybe(d, 50, pick(d, campaigns)), CustomData: map[string]string{"z": "1.50", "a": "x"},
		TagIDs: []string{}, TagNames: []*string{}, UserIDs: []int64{}, Revenue: map[string]string{}, TransactionCounts: map[string]uint32{},
		OperatorIDs: []int64{}, OperatorKinds: []string{}, RoutingRules: []string{}, RoutingGroups: []string{},
		Users: []User{}, Routing: []Routing{}, Marks: []Mark{},
	}
	if c.Campaign != nil {
		name := "Campaign " + *c.Campaign
		c.CampaignName = &name
	}
	d.opening(&c)
	for _, tag := range tags {
		if d.chance(25) {
			c.TagIDs, c.TagNames = append(c.TagIDs, tag), append(c.TagNames, maybe(d, 50, "Tag "+tag))
		}
	}
	d.sequence += 1 + d.Uint64N(3)
	c.FirstSequence = d.sequence
	d.sequence += 1 + d.Uint64N(20)
	c.LastSequence, c.Version, c.EventCount = d.sequence, d.sequence, uint32(2+d.IntN(20))
	if d.chance(85) {
		visitor := fmt.Sprintf("visitor %d", d.IntN(30))
		c.Visitor = &visitor
		w.Visitors = append(w.Visitors, Visitor{Project: project, Conversation: c.ID, ID: visitor, FirstName: maybe(d, 70, "Ada"), Version: c.Version})
	}

	closes := d.chance(85)
	now := d.contacts(w, &c, created, closes)
	if closes {
		closed := now + Millis(d.Int64N(60_000))
		c.ClosedAt = &closed
		duration := int64(closed - created)
		c.Duration = &duration
		c.CloseReason = maybe(d, 60, pick(d, reasons))
		c.Resolution = maybe(d, 80, duration/2)
		c.FirstResolution = c.Resolution
		c.Abandoned = c.ContactCount == 0
		c.ReopenCount = uint32(max(0, d.IntN(6)-4))
		d.mark(&c, Mark{At: closed, Type: "parley.conversation.closed.v1", Reason: c.CloseReason})
	}
	if d.chance(60) {
		c.Satisfaction, c.Score = maybe(d, 80, uint8(1+d.IntN(5))), maybe(d, 80, uint8(d.IntN(11)))
		c.Comment = maybe(d, 30, "fine")
	}
	c.FirstResponse = maybe(d, 60, d.Int64N(600_000))
	c.AnomalyCount = uint32(max(0, d.IntN(5)-3))
	d.transactions(w, &c)
	w.Conversations = append(w.Conversations, c)
}

// opening varies what the opening says, by the id.
func (d *dice) opening(c *Conversation) {
	if c.Initiator != nil && c.ID[0] < '6' {
		*c.Initiator = "OPERATOR"
	}
	if plan := int(c.ID[1]) % 4; plan > 0 {
		c.CustomData["plan"] = []string{"", "free", "pro's"}[plan-1]
	}
}

// contacts makes contacts with their messages and returns the end of the last. That
// of a conversation which does not close is snoozed or goes on.
func (d *dice) contacts(w *World, c *Conversation, now Millis, closes bool) Millis {
	bots, position := 0, uint32(0)
	count := max(0, d.IntN(6)-1)
	for n := range count {
		routing := Routing{At: now, Rule: pick(d, rules), Group: maybe(d, 70, pick(d, groups))}
		name := "Name of " + routing.Rule
		routing.RuleName = &name
		c.Routing = append(c.Routing, routing)
		started := now + Millis(1+d.Int64N(120_000))
		wait := int64(started - now)
		operator := d.operator()
		ended := started + Millis(1+d.Int64N(1_800_000))
		duration := int64(ended - started)
		k := Contact{
			Project: c.Project, Conversation: c.ID, ID: fmt.Sprintf("%s:%d", c.ID, started), Ordinal: uint32(n + 1), Channel: c.Channel,
			StartedAt: started, EndedAt: &ended, Duration: &duration, Status: "UNANSWERED", Wait: maybe(d, 80, wait),
			Operator: operator.ID, OperatorKind: operator.Kind, OperatorName: operator.Name, OperatorEmail: operator.Email,
			Rule: &routing.Rule, RuleName: routing.RuleName, Group: routing.Group, Version: c.Version,
		}
		ending := pick(d, []string{"SNOOZED", "TRANSFERRED", "REPUSHED"})
		switch {
		case n < count-1:
			k.Ending, k.EndingInferred = &ending, ending == "REPUSHED"
		case closes:
			ending = "CLOSED"
			k.Ending, k.CloseReason = &ending, maybe(d, 50, pick(d, reasons))
		case d.chance(50):
			ending = "SNOOZED"
			k.Ending = &ending
		default:
			ending, duration = "", 0
			k.EndedAt, k.Duration = nil, nil
		}
		c.Marks = append(c.Marks, Mark{Event: fmt.Sprintf("push-%d", n), At: started, Position: position, Type: "parley.conversation.pushed.v1", ToID: &operator.ID, ToKind: &operator.Kind, ToName: operator.Name})
		position++
		for m := range d.IntN(4) {
			at := started + Millis(m)
			visitor := d.chance(50)
			message := Message{Project: c.Project, Conversation: c.ID, ID: fmt.Sprintf("m%d-%d", n, m), Contact: &k.ID, SentAt: at, AuthorKind: "VISITOR", AuthorID: c.Visitor, Position: position, Version: c.Version}
			position++
			if visitor {
				k.VisitorMessages++
			} else {
				id := fmt.Sprint(operator.ID)
				message.AuthorKind, message.AuthorID, message.Automatic = operator.Kind, &id, d.chance(30)
				k.OperatorMessages++
				if !message.Automatic && k.FirstResponse == nil {
					response := int64(m)
					k.FirstResponse, k.Status = &response, "ANSWERED"
					c.Answered = true
					c.AnsweredByHuman = c.AnsweredByHuman || operator.Kind != "BOT"
				}
			}
			w.Messages = append(w.Messages, message)
			if d.chance(50) {
				w.Texts = append(w.Texts, Text{c.Project, c.ID, message.ID, "text of " + message.ID, c.Version})
			}
		}
		if k.Ending == nil {
			k.Status = "ONGOING"
		}
		switch ending {
		case "SNOOZED":
			c.SnoozeCount++
			d.mark(c, Mark{Event: fmt.Sprintf("snooze-%d", n), At: ended, Position: position, Type: "parley.conversation.snoozed.v1"})
			position++
		case "TRANSFERRED":
			c.TransferCount++
			d.mark(c, Mark{Event: fmt.Sprintf("transfer-%d", n), At: ended, Position: position, Type: "parley.conversation.transferred.v1", FromID: &operator.ID})
			position++
		}
		c.Handle += duration
		if operator.Kind == "BOT" {
			bots++
		} else {
			c.HumanHandle += duration
		}
		c.VisitorMessages += k.VisitorMessages
		c.OperatorMessages += k.OperatorMessages
		c.OperatorIDs, c.OperatorKinds = add(c.OperatorIDs, operator.ID), add(c.OperatorKinds, operator.Kind)
		c.RoutingRules = add(c.RoutingRules, routing.Rule)
		if routing.Group != nil {
			c.RoutingGroups = add(c.RoutingGroups, *routing.Group)
		}
		if !slices.Contains(c.UserIDs, operator.ID) {
			c.UserIDs, c.Users = append(c.UserIDs, operator.ID), append(c.Users, operator)
		}
		if c.FirstContactAt == nil {
			c.FirstContactAt = &started
		}
		c.LastContactAt = &started
		w.Contacts = append(w.Contacts, k)
		now = ended
	}
	c.ContactCount = uint32(count)
	if count > 0 {
		level := "PARTIALLY_AUTOMATED"
		switch bots {
		case 0:
			level = "NOT_AUTOMATED"
		case count:
			level = "FULLY_AUTOMATED"
		}
		c.Automation = &level
	}
	return now
}

func (d *dice) mark(c *Conversation, m Mark) {
	if m.Event == "" {
		m.Event = "close"
	}
	if m.Position == 0 {
		m.Position = uint32(1000)
	}
	c.Marks = append(c.Marks, m)
}

// add keeps a set ascending.
func add[V int64 | string](set []V, v V) []V {
	if at, found := slices.BinarySearch(set, v); !found {
		return slices.Insert(set, at, v)
	}
	return set
}

func (d *dice) transactions(w *World, c *Conversation) {
	sums := map[string]Amount{}
	for n := range max(0, d.IntN(6)-3) {
		t := Transaction{
			Project: c.Project, Conversation: c.ID, ID: fmt.Sprintf("t%d", n), Conversion: fmt.Sprintf("order-%d", n),
			Amount: Amount(d.Int64N(2_000_000) - 500_000), Currency: pick(d, money), ReceivedAt: c.CreatedAt + Millis(n),
			Source: maybe(d, 50, "ONSITE"), Version: c.Version,
		}
		if len(c.OperatorIDs) > 0 {
			t.AttributedTo = maybe(d, 70, c.OperatorIDs[0])
		}
		sums[t.Currency] += t.Amount
		c.TransactionCounts[t.Currency]++
		c.TransactionCount++
		w.Transactions = append(w.Transactions, t)
	}
	for currency, sum := range sums {
		c.Revenue[currency] = sum.String()
	}
}
