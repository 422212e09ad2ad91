package schema

const (
	ruleScalars    = "must be an object whose members are strings, numbers, true, false or null"
	ruleCustomOnce = "must not contain a name twice"
	ruleCustomSize = "must have at most 200 members, with names of at most 256 bytes and values of at most 4096 bytes in UTF-8"
)

// customData reads an object of scalars, in the order written. Numbers, true
// and false come as their text; any JSON number is accepted. Members that are null
// are left out, but their names count when two are the same.
func (o *object) customData() []CustomValue {
	if o.peek() != '{' {
		o.wrong(ruleScalars)
		return nil
	}
	var (
		values = []CustomValue{}
		names  nameSet
	)
	o.enter()
	for {
		raw, more := o.key()
		if !more {
			break
		}
		v := CustomValue{Key: string(raw)}
		if !names.add(v.Key) {
			o.breaks(ruleCustomOnce)
		}
		switch c := o.peek(); {
		case c == 'n':
			o.literal()
			continue
		case c == '"':
			v.Value = o.text()
		case c == 't' || c == 'f':
			v.Value = o.literal()
		case c == '{' || c == '[':
			o.wrong(ruleScalars)
		default:
			v.Value = string(o.number())
		}
		if len(values) == MaxCustomMembers || len(v.Key) > MaxCustomKeyBytes || len(v.Value) > MaxCustomValueBytes {
			o.breaks(ruleCustomSize)
			continue // members beyond the limit cost no memory
		}
		values = append(values, v)
	}
	return values
}

// nameSet is a set of names: a list while it is short, so that the common case
// costs no allocation, and a map from then on, so that many names do not make
// it slow.
type nameSet struct {
	few  [16]string
	n    int // names in few
	many map[string]struct{}
}

// add adds a name and reports whether it is new.
func (s *nameSet) add(name string) bool {
	for _, known := range s.few[:s.n] {
		if known == name {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return true
	}
	if s.many == nil {
		s.many = make(map[string]struct{})
	}
	before := len(s.many)
	s.many[name] = struct{}{}
	return len(s.many) > before
}
