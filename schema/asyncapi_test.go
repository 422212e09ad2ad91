package schema_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/events"
)

func asyncAPI(t *testing.T) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal(file(t, "asyncapi.yaml"), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// resolve follows a path such as channels/events.
func resolve(doc any, path string) (any, bool) {
	for _, name := range strings.Split(path, "/") {
		object, _ := doc.(map[string]any)
		next, ok := object[name]
		if !ok {
			return nil, false
		}
		doc = next
	}
	return doc, true
}

func TestAsyncAPINamesEveryTypeWithItsSchema(t *testing.T) {
	doc := asyncAPI(t)
	if doc["asyncapi"] != "3.0.0" {
		t.Errorf("version is %v", doc["asyncapi"])
	}
	messages, _ := resolve(doc, "components/messages")
	var named []schema.Type
	for key, message := range messages.(map[string]any) {
		name, _ := resolve(message, "name")
		typ := schema.Type(name.(string))
		named = append(named, typ)
		if ref, _ := resolve(message, "payload/schema/$ref"); ref != "./"+string(typ)+".json" {
			t.Errorf("the payload of %s is %v", typ, ref)
		}
		for _, channel := range []string{"events", "ingest"} {
			if ref, _ := resolve(doc, "channels/"+channel+"/messages/"+key+"/$ref"); ref != "#/components/messages/"+key {
				t.Errorf("the channel %s lacks %s", channel, key)
			}
		}
	}
	want := schema.Types()
	slices.Sort(want)
	slices.Sort(named)
	if !slices.Equal(named, want) {
		t.Errorf("messages are %q, types are %q", named, want)
	}
}

func TestAsyncAPIDescribesTheStreamOfTheLog(t *testing.T) {
	doc := asyncAPI(t)
	for path, want := range map[string]any{
		"channels/events/address": "parley.events.0",
		"channels/ingest/address": "/v1/events",
		"servers/log/protocol":    "nats",
		"servers/edge/protocol":   "http",
		"defaultContentType":      "application/cloudevents+json",
	} {
		if got, _ := resolve(doc, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if _, ok := resolve(doc, "components/messageTraits/logged/headers/properties/Nats-Msg-Id"); !ok {
		t.Error("Nats-Msg-Id is not described")
	}
}

func TestReferencesOfAsyncAPIResolve(t *testing.T) {
	doc := asyncAPI(t)
	count := 0
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, sub := range node {
				walk(sub)
			}
		case map[string]any:
			for name, sub := range node {
				ref, isText := sub.(string)
				if name != "$ref" || !isText {
					walk(sub)
					continue
				}
				count++
				inside, local := strings.CutPrefix(ref, "#/")
				if local {
					if _, ok := resolve(doc, inside); !ok {
						t.Errorf("%s leads nowhere", ref)
					}
				} else if _, err := fs.Stat(events.Files, strings.TrimPrefix(ref, "./")); err != nil {
					t.Errorf("%s: %v", ref, err)
				}
			}
		}
	}
	walk(doc)
	if count == 0 {
		t.Error("no reference found")
	}
}
