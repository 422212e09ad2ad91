package schema_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func ptr[T any](v T) *T { return &v }

// user42 is the operator of the examples where only the id is given.
func user42() *schema.User { return &schema.User{ID: 42} }

func TestDecodeReadsEveryMember(t *testing.T) {
	at := func(text string) schema.Timestamp {
		ts, err := schema.ParseTimestamp(text)
		if err != nil {
			t.Fatal(err)
		}
		return ts
	}
	agent := &schema.User{ID: 42, Kind: schema.KindProfessional}
	want := map[schema.Type]schema.Data{
		schema.TypeOpened: &schema.Opened{
			Channel: "CHAT", Language: ptr("fr"), Initiator: ptr(schema.InitiatorVisitor),
			Visitor: &schema.Visitor{
				ID: "v-1", ExternalID: ptr("crm-77"), FirstName: ptr("Ada"), LastName: ptr("Lovelace"),
				Email: ptr("ada@example.com"), Phone: ptr("+33 1 23 45 67 89"),
			},
			Campaign:   &schema.Ref{ID: "c-5", Name: ptr("Spring")},
			CustomData: []schema.CustomValue{{Key: "cartValue", Value: "129.9"}, {Key: "returning", Value: "true"}, {Key: "page", Value: "/checkout"}},
		},
		schema.TypeRouted: &schema.Routed{
			Rule:  schema.Ref{ID: "r-7", Name: ptr("Sales")},
			Group: &schema.Ref{ID: "g-3", Name: ptr("Experts")},
		},
		schema.TypePushed: &schema.Pushed{
			To: schema.User{ID: 42, Kind: schema.KindProfessional, Name: ptr("Ada"), Email: ptr("ada@example.com")},
		},
		schema.TypeSnoozed: &schema.Snoozed{By: agent, Until: ptr(at("2024-03-01T11:05:05Z"))},
		schema.TypeTransferred: &schema.Transferred{
			From: user42(), To: &schema.User{ID: 43, Kind: schema.KindExpert},
			ToRule: &schema.Ref{ID: "r-8", Name: ptr("After sales")}, ToGroup: &schema.Ref{ID: "g-4"},
		},
		schema.TypeClosed:   &schema.Closed{By: agent, Reason: ptr("END_OF_BOT_SCENARIO")},
		schema.TypeTagged:   &schema.Tagged{Tag: schema.Ref{ID: "t-1", Name: ptr("Complaint")}},
		schema.TypeUntagged: &schema.Untagged{Tag: schema.Ref{ID: "t-1"}},
		schema.TypeMessage: &schema.Message{
			MessageID: "m-2", AuthorKind: schema.KindProfessional, OperatorID: ptr(schema.OperatorID(42)), Text: ptr("Hello"),
		},
		schema.TypeRead:    &schema.Read{Reader: schema.ReaderVisitor, UpTo: ptr("m-2")},
		schema.TypeDeleted: &schema.Deleted{MessageID: "m-2"},
		schema.TypeCustomer: &schema.Customer{
			ID: "v-1", ExternalID: ptr("crm-77"), FirstName: ptr("Ada"), LastName: ptr("Lovelace"),
			Email: ptr("ada@example.com"), Phone: ptr("+33 1 23 45 67 89"), Notes: ptr("Prefers e-mail"),
			Type: ptr(schema.CustomerRegistered), IPAddress: ptr("192.0.2.7"),
			CustomData: []schema.CustomValue{{Key: "tier", Value: "gold"}, {Key: "orders", Value: "3"}},
			Clear:      []string{"ipLocation"},
		},
		schema.TypeSeller: &schema.Seller{
			ID: "660119", BusinessName: ptr("Cell Phone Corner"), LegalBusinessName: ptr("Corner Trading Ltd"),
			EmailAddress: ptr("hello@corner.example.com"), Online: ptr(true), Clear: []string{"phone"},
		},
		schema.TypeSatisfaction: &schema.Satisfaction{
			CustomerSatisfaction: ptr(uint8(5)), NetPromoterScore: ptr(uint8(9)), Comment: ptr("merci"),
		},
		schema.TypeTransaction: &schema.Transaction{
			TransactionID: "order-1/1", ExternalConversionID: "order-1", Amount: 1_299_000, Currency: "EUR",
			ReceivedAt: at("2024-03-02T09:00:03Z"), Source: ptr(schema.SourceOnsite), AttributedTo: user42(),
		},
	}
	for _, typ := range schema.Types() {
		e := accepted(t, full(t, typ))
		if !reflect.DeepEqual(e.Data, want[typ]) {
			t.Errorf("%s: got %+v, want %+v", typ, e.Data, want[typ])
		}
		e.Data = nil
		parts := strings.Split(string(typ), ".") // parley, what it is about, what happened, version
		name := parts[2]
		if parts[1] != "conversation" {
			name = parts[1]
		}
		envelope := schema.Event{
			Project: 9999, Conversation: "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01",
			Source: "https://chat.example.com", ID: name + "-1", Type: typ, Time: e.Time,
		}
		switch typ {
		case schema.TypeCustomer:
			envelope.Conversation = schema.ProfileSubject(9999, schema.ProfileCustomer, "v-1")
		case schema.TypeSeller:
			envelope.Conversation = schema.ProfileSubject(9999, schema.ProfileSeller, "660119")
		}
		if e != envelope {
			t.Errorf("%s: got %+v, want %+v", typ, e, envelope)
		}
	}
}

func TestOnlyRequiredMembersAreNeeded(t *testing.T) {
	event := func(typ schema.Type, data string) *document {
		return full(t, typ, drop("datacontenttype"), set("data", data))
	}
	for _, tt := range []struct {
		typ  schema.Type
		data string
		want schema.Data
	}{
		{schema.TypeOpened, `{"channel":"SMS"}`, &schema.Opened{Channel: "SMS"}},
		{schema.TypeRouted, `{"routingRule":{"id":"r"}}`, &schema.Routed{Rule: schema.Ref{ID: "r"}}},
		{schema.TypePushed, `{"toUser":{"id":1,"kind":"BOT"}}`, &schema.Pushed{To: schema.User{ID: 1, Kind: schema.KindBot}}},
		{schema.TypeSnoozed, `{}`, &schema.Snoozed{}},
		{schema.TypeSnoozed, `{"byUser":{"id":42}}`, &schema.Snoozed{By: user42()}},
		{schema.TypeTransferred, `{}`, &schema.Transferred{}},
		{schema.TypeTransferred, `{"toUser":{"id":42}}`, &schema.Transferred{To: user42()}},
		{schema.TypeClosed, `{}`, &schema.Closed{}},
		{schema.TypeTagged, `{"tag":{"id":"t"}}`, &schema.Tagged{Tag: schema.Ref{ID: "t"}}},
		{schema.TypeUntagged, `{"tag":{"id":"t"}}`, &schema.Untagged{Tag: schema.Ref{ID: "t"}}},
		{schema.TypeMessage, `{"messageId":"m","author":{"kind":"VISITOR"}}`, &schema.Message{MessageID: "m", AuthorKind: schema.KindVisitor}},
		{schema.TypeRead, `{"reader":"OPERATOR"}`, &schema.Read{Reader: schema.ReaderOperator}},
		{schema.TypeCustomer, `{"customer":{"id":"v-1"}}`, &schema.Customer{ID: "v-1"}},
		{schema.TypeCustomer, `{"customer":{"id":"v-1"},"clear":[]}`, &schema.Customer{ID: "v-1", Clear: []string{}}},
		{schema.TypeSeller, `{"seller":{"id":"660119"}}`, &schema.Seller{ID: "660119"}},
		{schema.TypeSatisfaction, `{"comment":""}`, &schema.Satisfaction{Comment: ptr("")}},
		{schema.TypeSatisfaction, `{"netPromoterScore":0}`, &schema.Satisfaction{NetPromoterScore: ptr(uint8(0))}},
		{schema.TypeTransaction, `{"externalConversionId":"x","amount":1,"currency":"EUR"}`, &schema.Transaction{
			TransactionID: "x", ExternalConversionID: "x", Amount: 10_000, Currency: "EUR", ReceivedAt: 1_709_370_000_000,
		}},
	} {
		d := event(tt.typ, tt.data)
		if e := accepted(t, d); !reflect.DeepEqual(e.Data, tt.want) {
			t.Errorf("%s %s: got %+v, want %+v", tt.typ, tt.data, e.Data, tt.want)
		}
	}
}

func TestNullIsAbsentAtEveryLevel(t *testing.T) {
	for _, typ := range schema.Types() {
		d := full(t, typ)
		for _, path := range paths(d, "") {
			_, absent := schema.Decode([]byte(full(t, typ, drop(path)).String()), taken)
			got, null := schema.Decode([]byte(full(t, typ, set(path, "null")).String()), taken)
			if !reflect.DeepEqual(absent, null) {
				t.Errorf("%s of %s: absent gives %v, null gives %v", path, typ, absent, null)
			}
			if null == nil {
				want := accepted(t, full(t, typ, drop(path)))
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s of %s: absent gives %+v, null gives %+v", path, typ, want, got)
				}
			}
		}
	}
}

func TestUnknownAttributesAndMembersAreReadOver(t *testing.T) {
	for _, typ := range schema.Types() {
		want := accepted(t, full(t, typ))
		d := full(t, typ)
		for _, path := range paths(d, "") {
			if d.get(path)[0] == '{' && !strings.HasSuffix(path, ".customData") {
				set(path+".somethingElse", `{"id":[1,{"x":null}],"":1e400,"e":"\ud83d\ude00"}`)(d)
				set(path+".ID", `7`)(d) // names are case-sensitive
			}
		}
		set("traceparent", `"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`)(d)
		set("projectId", `"x"`)(d)
		set("dataschema", `1`)(d)
		if got := accepted(t, d); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", typ, got, want)
		}
	}
}

func TestValuesAtTheirLimits(t *testing.T) {
	for _, tt := range []struct {
		typ       schema.Type
		path, raw string
		want      func(schema.Event) any
		expect    any
	}{
		{schema.TypeClosed, "projectid", `2147483647`, func(e schema.Event) any { return e.Project }, schema.ProjectID(1<<31 - 1)},
		{schema.TypeClosed, "projectid", `"2147483647"`, func(e schema.Event) any { return e.Project }, schema.ProjectID(1<<31 - 1)},
		{schema.TypeClosed, "projectid", `"0000000000000000007"`, func(e schema.Event) any { return e.Project }, schema.ProjectID(7)},
		{schema.TypeClosed, "sequence", `"9999999999999999999"`, func(e schema.Event) any { return e.Order }, uint64(9999999999999999999)},
		{schema.TypeClosed, "sequence", `9999999999999999999`, func(e schema.Event) any { return e.Order }, uint64(9999999999999999999)},
		{schema.TypeClosed, "sequence", `"0000000000000000010"`, func(e schema.Event) any { return e.Order }, uint64(10)},
		{schema.TypeClosed, "sequence", `"0"`, func(e schema.Event) any { return e.HasOrder }, true},
		{schema.TypeClosed, "sequence", `null`, func(e schema.Event) any { return e.HasOrder }, false},
		{schema.TypeClosed, "subject", `"ABCDEF00-0000-0000-0000-000000000000"`, func(e schema.Event) any { return e.Conversation },
			schema.ConversationID("abcdef00-0000-0000-0000-000000000000")},
		{schema.TypeClosed, "time", `"1970-01-01T00:00:00.0009Z"`, func(e schema.Event) any { return e.Time }, schema.Timestamp(0)},
		{schema.TypeClosed, "id", `"é \"\\ \ud83d\ude00 \/"`, func(e schema.Event) any { return e.ID }, "é \"\\ 😀 /"},
		{schema.TypeClosed, "source", `" "`, func(e schema.Event) any { return e.Source }, " "},
		{schema.TypePushed, "data.toUser.id", `9007199254740991`, func(e schema.Event) any { return e.Data.(*schema.Pushed).To.ID },
			schema.OperatorID(1<<53 - 1)},
		{schema.TypePushed, "data.toUser.id", `1`, func(e schema.Event) any { return e.Data.(*schema.Pushed).To.ID }, schema.OperatorID(1)},
		{schema.TypeOpened, "data.visitor.id", `""`, func(e schema.Event) any { return e.Data.(*schema.Opened).Visitor.ID }, ""},
		{schema.TypeClosed, "id", quote(strings.Repeat("é", 128)), func(e schema.Event) any { return len(e.ID) }, schema.MaxIDBytes},
		{schema.TypeClosed, "source", quote(strings.Repeat("s", 1024)), func(e schema.Event) any { return len(e.Source) }, schema.MaxSourceBytes},
		{schema.TypeClosed, "data.reason", quote(strings.Repeat("é", 512)),
			func(e schema.Event) any { return len(*e.Data.(*schema.Closed).Reason) }, schema.MaxNameBytes},
		{schema.TypeOpened, "data.visitor.id", quote(strings.Repeat("v", 256)),
			func(e schema.Event) any { return len(e.Data.(*schema.Opened).Visitor.ID) }, schema.MaxIDBytes},
		{schema.TypeMessage, "data.text", quote(strings.Repeat("t", 200_000)),
			func(e schema.Event) any { return len(*e.Data.(*schema.Message).Text) }, 200_000},
		{schema.TypeOpened, "data.customData", `{` + quote(strings.Repeat("k", 256)) + `:` + quote(strings.Repeat("v", 4096)) + `}`,
			func(e schema.Event) any { return len(e.Data.(*schema.Opened).CustomData[0].Value) }, schema.MaxCustomValueBytes},
		{schema.TypeClosed, "data.reason", `"\ud83d cut"`, func(e schema.Event) any { return *e.Data.(*schema.Closed).Reason }, "\ufffd cut"},
		{schema.TypeClosed, "data.reason", `"\u0000\b\f\n\r\t"`, func(e schema.Event) any { return *e.Data.(*schema.Closed).Reason }, "\x00\b\f\n\r\t"},
		{schema.TypeSatisfaction, "data.netPromoterScore", `10`, func(e schema.Event) any { return *e.Data.(*schema.Satisfaction).NetPromoterScore }, uint8(10)},
		{schema.TypeSatisfaction, "data.netPromoterScore", `-0`, func(e schema.Event) any { return *e.Data.(*schema.Satisfaction).NetPromoterScore }, uint8(0)},
		{schema.TypeSatisfaction, "data.customerSatisfaction", `1`, func(e schema.Event) any { return *e.Data.(*schema.Satisfaction).CustomerSatisfaction }, uint8(1)},
		{schema.TypeTransaction, "data.amount", `99999999999999.9999`, amountOf, schema.Amount(999_999_999_999_999_999)},
		{schema.TypeTransaction, "data.amount", `"-99999999999999.9999"`, amountOf, schema.Amount(-999_999_999_999_999_999)},
		{schema.TypeTransaction, "data.amount", `1.0000`, amountOf, schema.Amount(10_000)},
		{schema.TypeTransaction, "data.amount", `-0.00`, amountOf, schema.Amount(0)},
	} {
		e := accepted(t, full(t, tt.typ, set(tt.path, tt.raw)))
		if got := tt.want(e); got != tt.expect {
			t.Errorf("%s %s: got %v, want %v", tt.path, tt.raw, got, tt.expect)
		}
	}
}

func amountOf(e schema.Event) any { return e.Data.(*schema.Transaction).Amount }

func TestJSONMediaTypesAreTaken(t *testing.T) {
	for _, text := range []string{
		"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;charset=utf-8",
		"application/cloudevents+json", "application/vnd.acme.v1+JSON", "text/json", "application/json;",
	} {
		accepted(t, full(t, schema.TypeClosed, set("datacontenttype", `"`+text+`"`)))
	}
}

func TestCustomDataKeepsTextAndOrder(t *testing.T) {
	custom := func(raw string) []schema.CustomValue {
		return data[schema.Opened](t, full(t, schema.TypeOpened, set("data.customData", raw))).CustomData
	}
	got := custom(`{"z":"text","a":1.50,"n":null,"e":1e3,"":false,"big":123456789012345678901234567890,"\u0061b":"\n","neg":-0.0}`)
	want := []schema.CustomValue{
		{Key: "z", Value: "text"}, {Key: "a", Value: "1.50"}, {Key: "e", Value: "1e3"}, {Key: "", Value: "false"},
		{Key: "big", Value: "123456789012345678901234567890"}, {Key: "ab", Value: "\n"}, {Key: "neg", Value: "-0.0"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := custom(`{}`); got == nil || len(got) != 0 {
		t.Errorf("{} gives %#v, want an empty list", got)
	}
	if got := custom(`null`); got != nil {
		t.Errorf("null gives %#v, want nil", got)
	}
	if got := custom("{" + strings.Join(numbered(200), ",") + `,"absent":null}`); len(got) != 200 || got[199].Value != "199" {
		t.Errorf("200 members give %d", len(got))
	}
}

func TestAuthorIDIsReadByItsKind(t *testing.T) {
	author := func(raw string) *schema.Message {
		return data[schema.Message](t, full(t, schema.TypeMessage, set("data.author", raw)))
	}
	for _, raw := range []string{`{"kind":"VISITOR","id":"v\u002d1"}`, `{"id":"v\u002d1","kind":"VISITOR"}`} {
		if m := author(raw); *m.VisitorID != "v-1" || m.OperatorID != nil || m.AuthorKind != schema.KindVisitor {
			t.Errorf("%s: got %+v", raw, m)
		}
	}
	for _, kind := range []schema.UserKind{schema.KindProfessional, schema.KindExpert, schema.KindBot} {
		for _, raw := range []string{`{"kind":"` + string(kind) + `","id":7}`, `{"id":7,"kind":"` + string(kind) + `"}`} {
			if m := author(raw); *m.OperatorID != 7 || m.VisitorID != nil || m.AuthorKind != kind {
				t.Errorf("%s: got %+v", raw, m)
			}
		}
	}
	if m := author(`{"kind":"BOT","id":null}`); m.OperatorID != nil {
		t.Errorf("null gives %v", *m.OperatorID)
	}
}

func TestDecodeKeepsNothingOfTheBytes(t *testing.T) {
	for _, typ := range schema.Types() {
		raw := []byte(full(t, typ).String())
		want := mustDecode(t, string(raw))
		got, _ := schema.Decode(raw, taken)
		clear(raw)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s changes with its bytes", typ)
		}
	}
}
