package fold

import (
	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// sales are the transactions of a conversation: one per transaction id, in the
// order of the first record of each.
type sales struct{ keyed[string, Transaction] }

// record records a transaction. Of one recorded twice the last record counts as a whole: members
// that it lacks are missing.
func (s *sales) record(data *schema.Transaction) {
	row := Transaction{
		ID:                   data.TransactionID,
		ExternalConversionID: data.ExternalConversionID,
		Amount:               data.Amount,
		Currency:             data.Currency,
		ReceivedAt:           data.ReceivedAt,
		Source:               data.Source,
	}
	if data.AttributedTo != nil {
		row.AttributedTo = &data.AttributedTo.ID
	}
	if known := s.find(row.ID); known != nil {
		*known = row
	} else {
		s.add(row.ID, row)
	}
}

// fill sets the revenue of the row: the sum per currency of the records that
// won, nil without any. A sale and its refund add up to zero, which is not nil.
func (s *sales) fill(c *Conversation) {
	if len(s.list) == 0 {
		return
	}
	c.Revenue = make(map[schema.Currency]decimal.Decimal)
	for i := range s.list {
		sale := &s.list[i]
		c.Revenue[sale.Currency] = c.Revenue[sale.Currency].Add(decimal.New(int64(sale.Amount), -4))
	}
}
