package fold

import "github.com/parley-analytics/parley/schema"

// tags are all tags ever put on a conversation, in the order of the first
// tagging of each.
type tags struct{ keyed[string, tag] }

type tag struct {
	schema.Ref
	on bool
}

// tag adds a tag. Its name is the last one in a `tagged`.
func (t *tags) tag(ref schema.Ref) {
	known := t.find(ref.ID)
	if known == nil {
		known = t.add(ref.ID, tag{Ref: ref})
	}
	known.on = true
	if ref.Name != nil {
		known.Name = ref.Name
	}
}

// untag removes a tag. A tag that is added again keeps its place; the name in an `untagged` does not count.
func (t *tags) untag(id string) {
	if known := t.find(id); known != nil {
		known.on = false
	}
}

// fill sets the tags of the row: the first ones, and how many there are.
func (t *tags) fill(c *Conversation) {
	for _, tag := range t.list {
		if !tag.on {
			continue
		}
		if c.TagCount++; c.TagCount <= schema.MaxListed {
			c.Tags = append(c.Tags, tag.Ref)
		}
	}
}
