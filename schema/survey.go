package schema

var satisfactionMembers = []member{
	{"customerSatisfaction", false},
	{"netPromoterScore", false},
	{"comment", false},
}

const (
	ruleAnswer               = "must have at least one of customerSatisfaction, netPromoterScore, comment"
	ruleCustomerSatisfaction = "must be an integer from 1 to 5, without fraction or exponent"
	ruleNetPromoterScore     = "must be an integer from 0 to 10, without fraction or exponent"
)

func readSatisfaction(s *scanner) (Data, *Error) {
	d := new(Satisfaction)
	o := s.object(satisfactionMembers)
	for o.next() {
		switch o.name {
		case "customerSatisfaction":
			d.CustomerSatisfaction = o.rating(1, 5, ruleCustomerSatisfaction)
		case "netPromoterScore":
			d.NetPromoterScore = o.rating(0, 10, ruleNetPromoterScore)
		case "comment":
			d.Comment = o.optText()
		}
	}
	err := o.end()
	if err == nil && o.given == 0 {
		err = &Error{Code: CodeMissing, Rule: ruleAnswer}
	}
	return d, err
}
