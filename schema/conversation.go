package schema

// Readers of the events of a conversation's life.

var (
	openedMembers = []member{
		{"channel", true},
		{"language", false},
		{"initiator", false},
		{"visitor", false},
		{"campaign", false},
		{"customData", false},
	}
	visitorMembers = []member{
		{"id", true},
		{"externalId", false},
		{"firstName", false},
		{"lastName", false},
		{"email", false},
		{"phone", false},
	}
	routedMembers      = []member{{"routingRule", true}, {"routingGroup", false}}
	pushedMembers      = []member{{"toUser", true}}
	snoozedMembers     = []member{{"byUser", false}, {"until", false}}
	transferredMembers = []member{
		{"fromUser", false},
		{"toUser", false},
		{"toRoutingRule", false},
		{"toRoutingGroup", false},
	}
	closedMembers = []member{{"byUser", false}, {"reason", false}}
	taggedMembers = []member{{"tag", true}}

	channels   = Channels()
	initiators = []Initiator{InitiatorVisitor, InitiatorOperator, InitiatorSystem}
)

func readOpened(s *scanner) (Data, *Error) {
	d := new(Opened)
	o := s.object(openedMembers)
	for o.next() {
		switch o.name {
		case "channel":
			d.Channel = enum(&o, channels)
		case "language":
			d.Language = o.optName()
		case "initiator":
			d.Initiator = optEnum(&o, initiators)
		case "visitor":
			d.Visitor = o.visitor()
		case "campaign":
			d.Campaign = o.optRef()
		case "customData":
			d.CustomData = o.customData()
		}
	}
	return d, o.end()
}

// visitor reads the person; the id may be any string, the empty one too.
func (o *object) visitor() *Visitor {
	v := new(Visitor)
	in := o.object(visitorMembers)
	for in.next() {
		switch in.name {
		case "id":
			v.ID = in.anyID()
		case "externalId":
			v.ExternalID = in.optAnyID()
		case "firstName":
			v.FirstName = in.optName()
		case "lastName":
			v.LastName = in.optName()
		case "email":
			v.Email = in.optName()
		case "phone":
			v.Phone = in.optName()
		}
	}
	o.nest(in.end())
	return v
}

func readRouted(s *scanner) (Data, *Error) {
	d := new(Routed)
	o := s.object(routedMembers)
	for o.next() {
		switch o.name {
		case "routingRule":
			o.ref(&d.Rule)
		case "routingGroup":
			d.Group = o.optRef()
		}
	}
	return d, o.end()
}

func readPushed(s *scanner) (Data, *Error) {
	d := new(Pushed)
	o := s.object(pushedMembers)
	for o.next() {
		o.user(&d.To, pushedUserMembers)
	}
	return d, o.end()
}

func readSnoozed(s *scanner) (Data, *Error) {
	d := new(Snoozed)
	o := s.object(snoozedMembers)
	for o.next() {
		switch o.name {
		case "byUser":
			d.By = o.optUser()
		case "until":
			until := o.timestamp()
			d.Until = &until
		}
	}
	return d, o.end()
}

func readTransferred(s *scanner) (Data, *Error) {
	d := new(Transferred)
	o := s.object(transferredMembers)
	for o.next() {
		switch o.name {
		case "fromUser":
			d.From = o.optUser()
		case "toUser":
			d.To = o.optUser()
		case "toRoutingRule":
			d.ToRule = o.optRef()
		case "toRoutingGroup":
			d.ToGroup = o.optRef()
		}
	}
	return d, o.end()
}

func readClosed(s *scanner) (Data, *Error) {
	d := new(Closed)
	o := s.object(closedMembers)
	for o.next() {
		switch o.name {
		case "byUser":
			d.By = o.optUser()
		case "reason":
			d.Reason = o.optName()
		}
	}
	return d, o.end()
}

func readTagged(s *scanner) (Data, *Error) {
	d := new(Tagged)
	err := readTag(s, &d.Tag)
	return d, err
}

func readUntagged(s *scanner) (Data, *Error) {
	d := new(Untagged)
	err := readTag(s, &d.Tag)
	return d, err
}

func readTag(s *scanner, into *Ref) *Error {
	o := s.object(taggedMembers)
	for o.next() {
		o.ref(into)
	}
	return o.end()
}
