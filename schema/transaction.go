package schema

var (
	transactionMembers = []member{
		{"externalConversionId", true},
		{"amount", true},
		{"currency", true},
		{"receivedAt", false},
		{"transactionId", false},
		{"source", false},
		{"attributedTo", false},
	}
	transactionSources = []TransactionSource{SourceOnsite, SourceOffsite}
)

// timeAbsent marks a missing receivedAt until the event's time is known. No valid time is below 0.
const timeAbsent Timestamp = -1

func readTransaction(s *scanner) (Data, *Error) {
	d := &Transaction{ReceivedAt: timeAbsent}
	o := s.object(transactionMembers)
	for o.next() {
		switch o.name {
		case "externalConversionId":
			d.ExternalConversionID = o.id()
		case "amount":
			d.Amount = o.amount()
		case "currency":
			d.Currency = o.currency()
		case "receivedAt":
			d.ReceivedAt = o.timestamp()
		case "transactionId":
			d.TransactionID = o.id()
		case "source":
			d.Source = optEnum(&o, transactionSources)
		case "attributedTo":
			d.AttributedTo = o.optUser()
		}
	}
	return d, o.end()
}
