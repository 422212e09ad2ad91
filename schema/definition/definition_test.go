package definition_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema/definition"
	"github.com/parley-analytics/parley/schema/graphql"
)

var rewrite = flag.Bool("rewrite", false, "write the descriptions of the SDL, and what figures mean in this version")

// versions is versions.json: what each figure meant when the version was last raised.
type versions struct {
	Version  int               `json:"version"`
	Meanings map[string]string `json:"meanings"`
}

// meaning identifies everything about a figure but its description.
func meaning(t *testing.T, f definition.Figure) string {
	t.Helper()
	f.Description = ""
	content, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

func TestTheVersionRisesWithTheMeaningOfAFigure(t *testing.T) {
	content, err := os.ReadFile("versions.json")
	if err != nil {
		t.Fatal(err)
	}
	var before versions
	if err := json.Unmarshal(content, &before); err != nil {
		t.Fatal(err)
	}
	d := definition.Read()
	now := versions{d.Version, map[string]string{}}
	unmeasured := map[string]string{} // a measure that is added says the same as the formula
	for _, f := range d.Figures {
		now.Meanings[f.Type+"."+f.Name] = meaning(t, f)
		f.Measure, f.Over, f.Scale = nil, nil, 0
		unmeasured[f.Type+"."+f.Name] = meaning(t, f)
	}
	if d.Version < before.Version {
		t.Fatalf("version %d of definitions.json is lower than %d, which was released", d.Version, before.Version)
	}
	for name, was := range before.Meanings {
		switch is, found := now.Meanings[name]; {
		case d.Version > before.Version:
		case !found:
			t.Errorf("%s was removed: raise version in definitions.json", name)
		case is != was && unmeasured[name] != was:
			t.Errorf("%s means something else than in version %d: raise version in definitions.json", name, before.Version)
		}
	}
	if t.Failed() {
		return
	}
	after, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if after = append(after, '\n'); string(after) == string(content) {
		return
	}
	if !*rewrite {
		t.Fatal("versions.json does not have the figures of this version: go test ./schema/definition -rewrite")
	}
	if err := os.WriteFile("versions.json", after, 0o600); err != nil {
		t.Fatal(err)
	}
}

// wide is the width of descriptions in the SDL.
const wide = 138

// docstring writes a description above a field.
func docstring(text string) []string {
	if len(text) <= wide-len(`  ""`) {
		return []string{`  "` + text + `"`}
	}
	lines := []string{`  """`}
	line := " "
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > wide {
			lines, line = append(lines, line), " "
		}
		line += " " + word
	}
	return append(lines, line, `  """`)
}

// A type of the SDL, and a field in it with its description.
var (
	typeBlock = regexp.MustCompile(`(?ms)^type (\w+) \{\n.*?^\}`)
	field     = regexp.MustCompile(`(?ms)^  (?:"""\n.*?\n  """|"[^"\n]*")\n  (\w+)[(:]`)
)

// described returns the SDL with the descriptions of the figures, and the figures that it does not have.
func described(sdl string, figures []definition.Figure) (text string, unknown []string) {
	of := map[string]*definition.Figure{}
	for i := range figures {
		of[figures[i].Type+"."+figures[i].Name] = &figures[i]
	}
	text = typeBlock.ReplaceAllStringFunc(sdl, func(block string) string {
		within := typeBlock.FindStringSubmatch(block)[1]
		return field.ReplaceAllStringFunc(block, func(found string) string {
			name := field.FindStringSubmatch(found)[1]
			f := of[within+"."+name]
			if f == nil {
				return found
			}
			delete(of, within+"."+name)
			return strings.Join(docstring(f.Sentences()), "\n") + "\n  " + name + found[len(found)-1:]
		})
	})
	return text, slices.Sorted(maps.Keys(of))
}

func TestDescriptionsComeFromDefinitions(t *testing.T) {
	want, unknown := described(graphql.SDL(), definition.Read().Figures)
	if len(unknown) > 0 {
		t.Fatalf("the SDL has no field for the definitions %v", unknown)
	}
	if want == graphql.SDL() {
		return
	}
	if !*rewrite {
		t.Fatal("schema.graphql does not have the descriptions of definitions.json: go test ./schema/definition -rewrite")
	}
	if err := os.WriteFile("../graphql/schema.graphql", []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}
