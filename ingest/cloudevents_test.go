package ingest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/protocol"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/parley-analytics/parley/schema"
)

// foreign makes an event with the CloudEvents SDK.
func foreign(t *testing.T, id string) cloudevents.Event {
	t.Helper()
	e := cloudevents.NewEvent()
	e.SetID(id)
	e.SetSource("/sdk/go")
	e.SetType(string(schema.TypeClosed))
	e.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600)))
	e.SetSubject(conversation)
	e.SetExtension("projectid", 2)
	e.SetExtension("sequence", "7")
	e.SetExtension("traceparent", `a "quoted" value`)
	if err := e.SetData("application/json", map[string]string{"reason": "DONE"}); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheCloudEventsSDKIsUnderstoodInAllModes(t *testing.T) {
	r := newRig(t)
	client, err := cloudevents.NewClientHTTP(cehttp.WithTarget(r.http.URL+Path), cehttp.WithHeader("x-api-id", "sender"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, mode := range []struct {
		name string
		with func(context.Context) context.Context
	}{{"binary", binding.WithForceBinary}, {"structured", binding.WithForceStructured}} {
		result := client.Send(mode.with(ctx), foreign(t, mode.name))
		var status *cehttp.Result
		if !protocol.ResultAs(result, &status) || status.StatusCode != http.StatusAccepted {
			t.Fatalf("%s: %v", mode.name, result)
		}
	}
	request, err := cehttp.NewHTTPRequestFromEvents(ctx, r.http.URL+Path, []cloudevents.Event{foreign(t, "batch 1"), foreign(t, "batch 2")})
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("x-api-id", "sender")
	r.expect(r.do(request), 202, 2, 0)

	entries := stored(t, r.broker.Events())
	if len(entries) != 4 {
		t.Fatalf("%d events stored", len(entries))
	}
	want := foreign(t, "")
	for i, id := range []string{"binary", "structured", "batch 1", "batch 2"} {
		e, refusal := schema.Decode(entries[i].Payload, entries[i].ReceivedAt)
		if refusal != nil {
			t.Fatalf("%s: %v", id, refusal)
		}
		if e.ID != id || e.Source != want.Source() || e.Project != 2 || e.Order != 7 || e.Time != schema.TimestampOf(want.Time()) ||
			*e.Data.(*schema.Closed).Reason != "DONE" {
			t.Fatalf("%s: %+v", id, e)
		}
		back := cloudevents.NewEvent()
		if err := back.UnmarshalJSON(entries[i].Payload); err != nil || back.Extensions()["traceparent"] != `a "quoted" value` {
			t.Fatalf("%s: %v %v", id, back, err)
		}
	}
}

// TestBinaryModeIsStrictAtThisEdge is about the sender, who can be answered. The rules
// are tested in package schema.
func TestBinaryModeIsStrictAtThisEdge(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		header http.Header
		body   string
		status int
		says   string
	}{
		"an attribute given twice":   {http.Header{"Ce-Trace": {"1", "2"}}, `{}`, 400, "header ce-trace: must be given once"},
		"a value that is not UTF-8":  {http.Header{"Ce-Trace": {"%ff"}}, `{}`, 400, "header ce-trace: must be UTF-8 with percent-encoding"},
		"a type in an attribute":     {http.Header{"Ce-Datacontenttype": {"text/plain"}}, `{}`, 400, "header ce-datacontenttype: is not a valid attribute in binary mode"},
		"data that is not JSON":      {nil, `{`, 400, "the body is not valid JSON"},
		"no data":                    {nil, ``, 422, "data: is required"},
		"an attribute that is empty": {http.Header{"Ce-Specversion": {""}}, `{}`, 422, `specversion: must be "1.0"`},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(http.MethodPost, r.http.URL+Path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header = http.Header{"X-Api-Id": {"sender"}, "Content-Type": {"application/json"}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"1"},
				"Ce-Source": {"/s"}, "Ce-Type": {string(schema.TypeClosed)}, "Ce-Time": {"2026-01-02T03:04:05Z"}, "Ce-Subject": {conversation}, "Ce-Projectid": {"2"}}
			for header, values := range c.header {
				request.Header[header] = values
			}
			if a := r.do(request); a.status != c.status || !strings.Contains(a.body, strings.ReplaceAll(c.says, `"`, `\"`)) {
				t.Fatalf("answer %d %s; want %d %s", a.status, a.body, c.status, c.says)
			}
		})
	}
	if n := len(stored(t, r.broker.Events())); n != 0 {
		t.Fatalf("%d events stored", n)
	}
}
