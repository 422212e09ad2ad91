package ingest

import (
	"context"
	"net/http"
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
