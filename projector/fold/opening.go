package fold

import (
	"cmp"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// opening is the content of the `opened` events: the first one counts, a later one
// fills only whole fields that are missing. A second `opened` is not an
// anomaly.
type opening struct {
	known    schema.Opened
	visitors []string        // see Rows.Visitors
	named    map[string]bool // those
}

func (o *opening) take(data *schema.Opened) {
	if v := data.Visitor; v != nil && v.ID != "" && !o.named[v.ID] {
		if o.named == nil {
			o.named = map[string]bool{}
		}
		o.named[v.ID] = true
		o.visitors = append(o.visitors, v.ID)
	}
	k := &o.known
	k.Channel = cmp.Or(k.Channel, data.Channel)
	k.Language = cmp.Or(k.Language, data.Language)
	k.Initiator = cmp.Or(k.Initiator, data.Initiator)
	k.Visitor = cmp.Or(k.Visitor, data.Visitor)
	k.Campaign = cmp.Or(k.Campaign, data.Campaign)
	if k.CustomData == nil {
		k.CustomData = data.CustomData
	}
}

// fill sets the fields of the row. An unknown channel is UNKNOWN.
func (o *opening) fill(c *Conversation) {
	c.Channel = cmp.Or(o.known.Channel, schema.ChannelUnknown)
	c.Language = o.known.Language
	c.Initiator = o.known.Initiator
	c.Visitor = o.known.Visitor
	c.Campaign = o.known.Campaign
	c.CustomData = byKey(o.known.CustomData)
}

// byKey sorts custom data by key; of a key written twice the last value
// counts.
func byKey(written []schema.CustomValue) []schema.CustomValue {
	if len(written) == 0 {
		return nil
	}
	sorted := slices.Clone(written)
	// Reversed and then sorted stably, the last of a key comes first.
	slices.Reverse(sorted)
	slices.SortStableFunc(sorted, func(a, b schema.CustomValue) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(sorted, func(a, b schema.CustomValue) bool { return a.Key == b.Key })
}
