package sink

import "reflect"

// changed calls write for every row of after that differs from before. Rows are paired by id:
// mostly they are at the same index in both, as a fold with more events only adds rows.
func changed[R comparable](before, after []R, id func(*R) string, write func(*R)) {
	var byID map[string]*R
	for i := range after {
		row := &after[i]
		if i < len(before) && id(&before[i]) == id(row) {
			if !same(&before[i], row) {
				write(row)
			}
			continue
		}
		if byID == nil {
			byID = make(map[string]*R, len(before))
			for j := range before {
				byID[id(&before[j])] = &before[j]
			}
		}
		if earlier := byID[id(row)]; earlier == nil || !same(earlier, row) {
			write(row)
		}
	}
}

// same compares two rows by their values. Folds of the same events share what
// the events point to, so the first comparison mostly decides.
func same[R comparable](a, b *R) bool {
	return *a == *b || reflect.DeepEqual(a, b)
}
