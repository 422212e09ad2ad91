package schema

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"
)

// TestBinaryModeInBothRules has a row for each rule of the binary mode. Where only
// one result is given, both rules must yield it.
func TestBinaryModeInBothRules(t *testing.T) {
	const begin = `{"datacontenttype":"application/json","id":"a b","specversion":"1.0",`
	const xyz = `"xyz":`
	for name, c := range map[string]struct {
		headers map[string][]string
		body    string
		strict  string // or the error
		lenient string
	}{
		"an event":               {nil, ` {"reason":"é"} `, begin + `"data":{"reason":"é"}}`, ""},
		"no data":                {nil, " \n", begin + `"data":null}`, ""},
		"percent-encoding":       {map[string][]string{"ce-xyz": {"%C3%A9%2541"}}, `{}`, begin + xyz + `"é%41","data":{}}`, ""},
		"a quoted value":         {map[string][]string{"ce-xyz": {`"q \" %20"`}}, `{}`, begin + xyz + `"q \"  ","data":{}}`, ""},
		"a name before":          {map[string][]string{"ce-a": {"1"}}, `{}`, `{"a":"1",` + begin[1:] + `"data":{}}`, ""},
		"a plus is a plus":       {map[string][]string{"ce-xyz": {"a+b"}}, `{}`, begin + xyz + `"a+b","data":{}}`, ""},
		"broken encoding":        {map[string][]string{"ce-xyz": {"%zz"}}, `{}`, "header ce-xyz: must be UTF-8 with percent-encoding", begin + xyz + `"%zz","data":{}}`},
		"encoded, but not UTF-8": {map[string][]string{"ce-xyz": {"%ff"}}, `{}`, "header ce-xyz: must be UTF-8 with percent-encoding", begin + xyz + `"%ff","data":{}}`},
		"not UTF-8":              {map[string][]string{"ce-xyz": {"\xff"}}, `{}`, "header ce-xyz: must be UTF-8 with percent-encoding", begin + xyz + "\"\uFFFD\",\"data\":{}}"},
		"data that is not JSON":  {nil, `{"`, "the body is not valid JSON", begin + `"data":"{\""}`},
		"data as an attribute":   {map[string][]string{"ce-data": {"1"}}, `{}`, "header ce-data: is not a valid attribute in binary mode", begin + `"data":{}}`},
		"a type in an attribute": {map[string][]string{"ce-datacontenttype": {"text/plain"}}, `{}`, "header ce-datacontenttype: is not a valid attribute in binary mode", begin + `"data":{}}`},
		"two values":             {map[string][]string{"ce-xyz": {"1", "2"}}, `{}`, "header ce-xyz: must be given once", ""},
		"two spellings":          {map[string][]string{"Ce-Id": {"a%20b"}}, `{}`, "header ce-id: must be given once", ""},
		"other headers":          {map[string][]string{"Nats-Msg-Id": {"x"}, "cezanne": {"y"}}, `{}`, begin + `"data":{}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			headers := map[string][]string{"ce-specversion": {"1.0"}, "ce-id": {"a%20b"}, "Content-Type": {"application/json"}}
			maps.Copy(headers, c.headers)
			message := BinaryOf(headers, []byte(c.body))
			for rules, want := range map[BinaryRules]string{BinaryStrict: c.strict, BinaryLenient: c.lenient} {
				if want == "" {
					want = c.strict
				}
				for range 3 { // the order of a map must not show
					event, err := message.Structured(rules)
					if err != nil {
						event = []byte(err.Error())
					}
					if string(event) != want {
						t.Fatalf("rules %d:\ngot  %s\nwant %s", rules, event, want)
					}
				}
			}
		})
	}
}

func TestHeadersAreDecodedOnce(t *testing.T) {
	for value, want := range map[string]string{
		"plain": "plain", "a%20b": "a b", "%2541": "%41", "%C3%A9": "é", "é": "é", `"q \" \\ %41"`: `q " \ A`, `"`: `"`, "": "",
	} {
		if got, ok := decodeHeader(value); !ok || got != want {
			t.Errorf("%q: %q %v", value, got, ok)
		}
	}
	for _, value := range []string{"%", "%4", "%zz", "%ff", "\xff"} {
		if _, ok := decodeHeader(value); ok {
			t.Errorf("%q was taken", value)
		}
	}
}

func FuzzBinaryModeMakesJSON(f *testing.F) {
	f.Add("trace", "%41", `{"a":1}`)
	f.Add("x\"y", `"`, ``)
	f.Add("data", "\xff", `{`)
	f.Fuzz(func(t *testing.T, name, value, body string) {
		message := BinaryOf(map[string][]string{"ce-" + name: {value}, "Ce-Id": {"1"}, "content-type": {value}}, []byte(body))
		strict, err := message.Structured(BinaryStrict)
		if err == nil && !json.Valid(strict) {
			t.Fatalf("strict: %s", strict)
		}
		lenient, repeated := message.Structured(BinaryLenient)
		if repeated != nil && !errors.Is(repeated, ErrBinaryRepeated) {
			t.Fatalf("lenient: %v", repeated)
		}
		if repeated == nil && !json.Valid(lenient) {
			t.Fatalf("lenient: %s", lenient)
		}
		if err == nil && string(strict) != string(lenient) {
			t.Fatalf("what both take differs:\n%s\n%s", strict, lenient)
		}
	})
}
