package query

// group is the key of a bucket.
type group struct {
	step   int64
	values [maxDimensions]groupValue
}

// groupValue is a value that can be compared; unset is none.
type groupValue struct {
	text string
	set  bool
}

// GroupKey is the bucket that figures belong to.
type GroupKey struct {
	Step                   int64 // its start; 0 without steps
	Value1, Value2, Value3 *string
	Label1, Label2, Label3 *string
	Total                  bool // of all rows, without a group
}

func (k *GroupKey) group() group {
	g := group{step: k.Step}
	for i, value := range []*string{k.Value1, k.Value2, k.Value3} {
		if value != nil {
			g.values[i] = groupValue{*value, true}
		}
	}
	return g
}

// key is the key of the group, without labels.
func (g group) key() *GroupKey {
	k := &GroupKey{Step: g.step}
	for i, value := range []**string{&k.Value1, &k.Value2, &k.Value3} {
		if g.values[i].set {
			*value = &g.values[i].text
		}
	}
	return k
}

func (k *GroupKey) dimensions(t texts, by []Dimension) []DimensionLabel {
	list := make([]DimensionLabel, len(by))
	for i, value := range []*string{k.Value1, k.Value2, k.Value3}[:len(by)] {
		list[i] = DimensionLabel{Name: string(by[i]), Value: t.maybe(value)}
	}
	return list
}

// DimensionLabel is the SDL's MetricsDimensionValue.
type DimensionLabel struct {
	Name         string
	Value, Label *Text
}
