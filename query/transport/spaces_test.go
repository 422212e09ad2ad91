package transport

import "testing"

func TestNoBreakSpacesOutsideStringsReadAsSpaces(t *testing.T) {
	const n = "\u00a0"
	for name, c := range map[string]struct{ in, want string }{
		"none":                    {`{ a }`, `{ a }`},
		"between tokens":          {"{" + n + "a" + n + n + "b }", "{ a  b }"},
		"string":                  {`{ a(b: "x` + n + `y")` + n + `}`, `{ a(b: "x` + n + `y") }`},
		"escaped quote":           {`{ a(b: "x\"` + n + `y")` + n + `}`, `{ a(b: "x\"` + n + `y") }`},
		"escaped backslash":       {`{ a(b: "x\\")` + n + `}`, `{ a(b: "x\\") }`},
		"empty string":            {`{ a(b: "")` + n + `}`, `{ a(b: "") }`},
		"block string":            {`{ a(b: """x` + n + `"y" \"""` + n + `""")` + n + `}`, `{ a(b: """x` + n + `"y" \"""` + n + `""") }`},
		"comment":                 {"{ # it's \"" + n + "\n" + n + "a }", "{ # it's \"" + n + "\n a }"},
		"comment to the end":      {"{ a } #" + n, "{ a } #" + n},
		"string without an end":   {"{ a(b: \"x" + n + "\n" + n + "c }", "{ a(b: \"x" + n + "\n c }"},
		"block without an end":    {`{ a(b: """` + n, `{ a(b: """` + n},
		"quote at the end":        {n + `"`, ` "`},
		"backslash at the end":    {n + `"\`, ` "\`},
		"other spaces stay":       {"{\u2003a" + n + "}", "{\u2003a }"},
		"half of one at the end":  {n + "\xc2", " \xc2"},
		"hash inside a string":    {`{ a(b: "#` + n + `")` + n + `}`, `{ a(b: "#` + n + `") }`},
		"quotes inside a comment": {"# \"\"\"\n{" + n + "a }", "# \"\"\"\n{ a }"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := plainSpaces(c.in); got != c.want {
				t.Errorf("%q reads as %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func FuzzPlainSpacesKeepsEverythingElse(f *testing.F) {
	f.Add("{ a(b: \"x\u00a0\")\u00a0}")
	f.Add("\"\"\"\\\"\"\"\u00a0#")
	f.Fuzz(func(t *testing.T, document string) {
		once := plainSpaces(document)
		if again := plainSpaces(once); again != once {
			t.Errorf("%q reads as %q, and that as %q", document, once, again)
		}
	})
}
