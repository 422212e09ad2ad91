package schema_test

import (
	"reflect"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestEncodeSortsMembersAndLeavesOutWhatIsAbsent(t *testing.T) {
	order := schema.Event{
		Project: 7, Conversation: "0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10", Source: "s", ID: "a<b>&é", Type: schema.TypeOpened,
		Time: 1_700_000_000_123, Order: 2, HasOrder: true, Data: &schema.Opened{
			Channel: "CHAT", Visitor: &schema.Visitor{ID: "v"}, CustomData: []schema.CustomValue{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "3"}},
		},
	}
	const want = `{"data":{"channel":"CHAT","customData":{"b":"1","a":"2","b":"3"},"visitor":{"id":"v"}},"datacontenttype":"application/json","id":"a<b>&é","projectid":7,` +
		`"sequence":"2","source":"s","specversion":"1.0","subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","time":"2023-11-14T22:13:20.123Z","type":"parley.conversation.opened.v1"}`
	if got := string(schema.Encode(&order)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzEncode holds Encode to be the inverse of Decode for whatever decodes.
func FuzzEncode(f *testing.F) {
	for _, typ := range schema.Types() {
		f.Add([]byte(full(f, typ).String()))
	}
	f.Add([]byte(`{"specversion":"1.0","id":"\u2028<>&\u0001","source":"s","type":"parley.conversation.opened.v1","time":"2024-03-01T10:00:00.1234+02:00",` +
		`"subject":"0B6F4B2E-7C1E-4A53-9D52-0D7A4C9B1E10","projectid":1,"sequence":"007","data":{"channel":"CHAT","customData":{"n":1.50,"n":true,"":"x"}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := schema.Decode(raw, taken)
		if err != nil {
			return
		}
		encoded := schema.Encode(&e)
		if len(encoded) > schema.MaxEventBytes {
			return
		}
		again, err := schema.Decode(encoded, taken)
		if err != nil {
			t.Fatalf("%v: %s", err, encoded)
		}
		if !reflect.DeepEqual(again, e) {
			t.Fatalf("%s\ndecodes into\n%+v %+v\nwant\n%+v %+v", encoded, again, again.Data, e, e.Data)
		}
	})
}
