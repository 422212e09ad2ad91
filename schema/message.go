package schema

var (
	messageMembers = []member{{"messageId", true}, {"author", true}, {"automatic", false}, {"text", false}}
	readMembers    = []member{{"reader", true}, {"upTo", false}}
	deletedMembers = []member{{"messageId", true}}
	authorMembers  = []member{{"kind", true}, {"id", false}}

	authorKinds = []UserKind{KindVisitor, KindProfessional, KindExpert, KindBot}
	readers     = []Reader{ReaderVisitor, ReaderOperator}
)

func readMessage(s *scanner) (Data, *Error) {
	d := new(Message)
	o := s.object(messageMembers)
	for o.next() {
		switch o.name {
		case "messageId":
			d.MessageID = o.id()
		case "author":
			o.author(d)
		case "automatic":
			d.Automatic = o.flag()
		case "text":
			d.Text = o.optText()
		}
	}
	return d, o.end()
}

func readRead(s *scanner) (Data, *Error) {
	d := new(Read)
	o := s.object(readMembers)
	for o.next() {
		switch o.name {
		case "reader":
			d.Reader = enum(&o, readers)
		case "upTo":
			id := o.id()
			d.UpTo = &id
		}
	}
	return d, o.end()
}

func readDeleted(s *scanner) (Data, *Error) {
	d := new(Deleted)
	o := s.object(deletedMembers)
	for o.next() {
		d.MessageID = o.id()
	}
	return d, o.end()
}

// author reads the author of a message. The rule for the id depends on the kind, which may come
// after it, so the id is read last.
func (o *object) author(into *Message) {
	id := scanner{pos: -1}
	in := o.object(authorMembers)
	for in.next() {
		switch in.name {
		case "kind":
			into.AuthorKind = enum(&in, authorKinds)
		case "id":
			id = scanner{buf: in.buf, pos: in.pos}
			in.skip()
		}
	}
	if id.pos >= 0 && o.fault == nil {
		at := object{scanner: &id, at: 1, name: "id"}
		switch into.AuthorKind {
		case "": // the kind's error counts
		case KindVisitor:
			into.VisitorID = at.optAnyID()
		default:
			n := at.operatorID()
			into.OperatorID = &n
		}
		if at.err != nil {
			in.keep(1, at.err)
		}
	}
	o.nest(in.end())
}
