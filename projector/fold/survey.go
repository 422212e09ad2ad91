package fold

import (
	"cmp"

	"github.com/parley-analytics/parley/schema"
)

// survey holds the last answer to each question in fold order. An empty
// comment is an answer.
type survey struct {
	last schema.Satisfaction
	at   *schema.Timestamp // of the last answer
}

func (s *survey) answer(at schema.Timestamp, data *schema.Satisfaction) {
	s.at = &at
	s.last.CustomerSatisfaction = cmp.Or(data.CustomerSatisfaction, s.last.CustomerSatisfaction)
	s.last.NetPromoterScore = cmp.Or(data.NetPromoterScore, s.last.NetPromoterScore)
	s.last.Comment = cmp.Or(data.Comment, s.last.Comment)
}

func (s *survey) fill(c *Conversation) {
	c.CustomerSatisfaction = s.last.CustomerSatisfaction
	c.NetPromoterScore = s.last.NetPromoterScore
	c.Comment = s.last.Comment
	c.SatisfactionAnsweredAt = s.at
}
