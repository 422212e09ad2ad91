package embedded

import (
	"slices"
	"testing"
)

func TestNoLimitIsGivenTwice(t *testing.T) {
	for name, limits := range map[string][]limit{"reader": readerLimits(1 << 30), "bi": biLimits(1<<30, biAllowed(1<<30)), "users of some projects": guestLimits(1 << 30)} {
		var seen []string
		for _, l := range limits {
			if slices.Contains(seen, l.Name) {
				t.Errorf("%s: %s is given twice", name, l.Name)
			}
			seen = append(seen, l.Name)
			if (l.Min == "") != (l.Max == "") {
				t.Errorf("%s: %s has one bound only", name, l.Name)
			}
		}
	}
}
