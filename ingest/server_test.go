package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/parley-analytics/parley/schema"
)

func TestEveryContentTypeIsTaken(t *testing.T) {
	r := newRig(t)
	a := r.post("application/cloudevents+json", strings.NewReader(" "+event("s1")+"\n"))
	r.expect(a, 202, 1, 0)
	a = r.post("application/cloudevents-batch+json; charset=UTF-8", strings.NewReader("[ "+event("b1")+" ,\n"+event("b2")+"]"))
	r.expect(a, 202, 2, 0)
	if *a.FirstSequence != 2*schema.RecordEvents || *a.LastSequence != 2*schema.RecordEvents+1 {
		t.Fatal(a.body)
	}
	a = r.post("application/x-ndjson;charset=utf-8", strings.NewReader("\n"+event("n1")+"\r\n  \n"+event("n2")))
	r.expect(a, 202, 2, 0)
	a = r.post("application/json", strings.NewReader(`{"reason":"Zu\u00e4"} `),
		"ce-specversion", "1.0", "ce-id", "bin 1 %C3%A9 %25", "ce-source", `"/te\"st"`, "ce-type", "parley.conversation.closed.v1",
		"ce-time", "2026-01-02T03:04:05Z", "ce-subject", conversation, "ce-projectid", "2", "ce-sequence", "42", "ce-trace", "x<y")
	r.expect(a, 202, 1, 0)
	if a.body != `{"accepted":1,"duplicates":0,"rejected":[],"firstSequence":16384,"lastSequence":16384}`+"\n" {
		t.Fatal(a.body)
	}

	entries := stored(t, r.broker.Events())
	want := []string{event("s1"), event("b1"), event("b2"), event("n1"), event("n2"),
		`{"datacontenttype":"application/json","id":"bin 1 é %","projectid":"2","sequence":"42","source":"/te\"st","specversion":"1.0","subject":"` + conversation +
			`","time":"2026-01-02T03:04:05Z","trace":"x<y","type":"parley.conversation.closed.v1","data":{"reason":"Zu\u00e4"}}`}
	for i, e := range entries {
		if string(e.Payload) != want[i] {
			t.Errorf("entry %d: %s", i, e.Payload)
		}
	}
	got, err := schema.Decode(entries[5].Payload, entries[5].ReceivedAt)
	if err != nil || got.Project != 2 || got.Order != 42 || got.ID != "bin 1 é %" {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestAnswersOfRequestsAsAWhole(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat(" ", schema.MaxRequestBytes)
	many := strings.Repeat("{}\n", schema.MaxRequestEvents+1)
	chunked := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) } // no Content-Length
	binary := []string{"ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "parley.conversation.closed.v1"}
	for name, c := range map[string]struct {
		contentType string
		body        io.Reader
		headers     []string
		status      int
		code        string
	}{
		"no credentials":               {typeLines, strings.NewReader(event("1")), []string{"X-Api-Id", ""}, 401, "unauthorized"},
		"no scope":                     {typeLines, strings.NewReader(event("1")), []string{"X-Api-Id", "reader"}, 403, "insufficient_scope"},
		"no type":                      {"", strings.NewReader(event("1")), nil, 415, "unsupported_media_type"},
		"plain JSON":                   {"application/json", strings.NewReader(event("1")), nil, 415, "unsupported_media_type"},
		"text":                         {"text/plain", strings.NewReader(event("1")), nil, 415, "unsupported_media_type"},
		"other event format":           {"application/cloudevents+avro", strings.NewReader(event("1")), nil, 415, "unsupported_media_type"},
		"broken type":                  {"application/x-ndjson; =", strings.NewReader(event("1")), nil, 415, "unsupported_media_type"},
		"other charset":                {"application/x-ndjson; charset=latin1", strings.NewReader(event("1")), nil, 415, "unsupported_media_type"},
		"binary with text":             {"text/plain", strings.NewReader("x"), binary, 415, "unsupported_media_type"},
		"encoding":                     {typeLines, strings.NewReader(event("1")), []string{"Content-Encoding", "br"}, 415, "unsupported_encoding"},
		"empty structured":             {typeStructured, strings.NewReader(""), nil, 400, "no_event"},
		"broken structured":            {typeStructured, strings.NewReader(event("1")[1:]), nil, 400, "unreadable_body"},
		"two structured":               {typeStructured, strings.NewReader(event("1") + event("2")), nil, 400, "unreadable_body"},
		"empty batch":                  {typeBatch, strings.NewReader(" [ ] "), nil, 400, "no_event"},
		"empty batch body":             {typeBatch, strings.NewReader("\n"), nil, 400, "no_event"},
		"batch that is none":           {typeBatch, strings.NewReader(event("1")), nil, 400, "unreadable_body"},
		"batch cut off":                {typeBatch, strings.NewReader("[" + event("1") + ","), nil, 400, "unreadable_body"},
		"batch with a comma too much":  {typeBatch, strings.NewReader("[" + event("1") + ",]"), nil, 400, "unreadable_body"},
		"batch without a comma":        {typeBatch, strings.NewReader("[" + event("1") + event("2") + "]"), nil, 400, "unreadable_body"},
		"batch with something behind":  {typeBatch, strings.NewReader("[" + event("1") + "] x"), nil, 400, "unreadable_body"},
		"batch with a broken element":  {typeBatch, strings.NewReader("[" + event("1") + `,{"id":"2",}]`), nil, 400, "unreadable_body"},
		"empty lines":                  {typeLines, strings.NewReader("\n \r\n\t\n"), nil, 400, "no_event"},
		"binary with broken data":      {"application/json", strings.NewReader(`{"reason":`), binary, 400, "unreadable_body"},
		"binary with a broken header":  {"application/json", strings.NewReader(`{}`), append(binary, "ce-x", "%zz"), 400, "unreadable_body"},
		"binary with data in a header": {"application/json", strings.NewReader(`{}`), append(binary, "ce-data", "1"), 400, "unreadable_body"},
		"no gzip":                      {typeLines, strings.NewReader(event("1")), []string{"Content-Encoding", "gzip"}, 400, "unreadable_body"},
		"no zstd":                      {typeLines, strings.NewReader(event("1")), []string{"Content-Encoding", "zstd"}, 400, "unreadable_body"},
		"too long":                     {typeLines, strings.NewReader(long + event("1")), nil, 413, "too_large"},
		"too long in chunks":           {typeLines, chunked(long + event("1")), nil, 413, "too_large"},
		"too long in gzip":             {typeLines, packed(t, "gzip", long+event("1")), []string{"Content-Encoding", "gzip"}, 413, "too_large"},
		"too long in zstd":             {typeLines, packed(t, "zstd", long+event("1")), []string{"Content-Encoding", "zstd"}, 413, "too_large"},
		"too many lines":               {typeLines, strings.NewReader(many), nil, 413, "too_large"},
		"too many in a batch":          {typeBatch, strings.NewReader("[" + strings.Repeat("{},", schema.MaxRequestEvents) + "{}]"), nil, 413, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			a := r.post(c.contentType, c.body, c.headers...)
			if a.status != c.status || a.Problem.Error != c.code || a.Message == "" {
				t.Fatalf("answer %d %s; want %d %s", a.status, a.body, c.status, c.code)
			}
			if c.status == 401 && a.header.Get("WWW-Authenticate") == "" {
				t.Fatal("WWW-Authenticate is missing")
			}
			if c.code == "unsupported_media_type" && !strings.Contains(a.Message, typeBatch) {
				t.Fatalf("message %q names no accepted type", a.Message)
			}
		})
	}
	if n := len(stored(t, r.broker.Events())) + len(stored(t, r.broker.Rejected())); n != 0 {
		t.Fatalf("%d messages stored", n)
	}
}

func packed(t *testing.T, encoding, text string) io.Reader {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	if encoding == "zstd" {
		w, _ = zstd.NewWriter(&out)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestPackedBodiesAreTaken(t *testing.T) {
	r := newRig(t)
	for _, encoding := range []string{"gzip", "zstd"} {
		a := r.post(typeLines, packed(t, encoding, event(encoding)), "Content-Encoding", encoding)
		r.expect(a, 202, 1, 0)
	}
	a := r.post(typeLines, strings.NewReader("\xef\xbb\xbf"+event("bom")), "Content-Encoding", "identity")
	r.expect(a, 202, 1, 0)
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, Path, 405}, {http.MethodPut, Path, 405}, {http.MethodPost, Path + "/", 404}, {http.MethodGet, "/", 404},
	} {
		request, err := http.NewRequest(c.method, r.http.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := r.do(request)
		if a.status != c.status || (a.header.Get("Allow") == http.MethodPost) != (c.status == 405) {
			t.Errorf("%s %s: %d %v", c.method, c.path, a.status, a.header)
		}
	}
}

func TestARequestOfTenThousandEventsIsAccepted(t *testing.T) {
	r := newRig(t)
	var body bytes.Buffer
	for i := range schema.MaxRequestEvents {
		body.WriteString(event(strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/260)))
		body.WriteByte('\n')
	}
	a := r.post(typeLines, &body)
	if a.status != 202 || a.Accepted+a.Duplicates != schema.MaxRequestEvents {
		t.Fatal(a.status, a.body)
	}
}

func TestAnswerReachesWhoSendsEverythingFirst(t *testing.T) {
	r := newRig(t)
	for contentType, status := range map[string]string{typeLines: "413", "text/plain": "415"} {
		conn, err := net.Dial("tcp", r.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		body := strings.Repeat(" ", schema.MaxRequestBytes+schema.MaxRequestBytes/2)
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Api-Id: sender\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			Path, contentType, len(body), body)
		if err != nil {
			t.Fatalf("%s: %v", status, err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", status, err)
		}
		if !strings.HasPrefix(response.Status, status) {
			t.Fatalf("status %s, want %s", response.Status, status)
		}
	}
}

func TestUnreachableCredentialsAre503(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Auth = broken{} })
	a := r.lines(event("1"))
	if a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Fatal(a.status, a.body)
	}
}

type broken struct{}

func (broken) Authenticate(*http.Request) (schema.Caller, error) {
	return schema.Caller{}, errors.New("the store is away")
}

func TestTooMuchAtOnceIs429(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxHeldBytes = 8 << 10 })
	r.expect(r.lines(event("1")), 202, 1, 0)
	a := r.lines(event("2"), strings.Repeat(" ", 10<<10))
	if a.status != 429 || a.header.Get("Retry-After") == "" || a.Problem.Error != "busy" {
		t.Fatal(a.status, a.body)
	}
	r.expect(r.lines(event("2")), 202, 1, 0)
}

func TestEventsAreTakenInForASecondAfterARequest(t *testing.T) {
	now := time.Now()
	s := New(Config{Now: func() time.Time { return now }})
	defer s.Close()
	if s.Working() {
		t.Fatal("events are being taken in before the first request")
	}
	s.enter()
	now = now.Add(time.Minute)
	if !s.Working() {
		t.Error("no events are being taken in during a request")
	}
	s.leave()
	if now = now.Add(pace - 1); !s.Working() {
		t.Error("no events are being taken in shortly before the next request of a stream")
	}
	if now = now.Add(1); s.Working() {
		t.Error("events are still being taken in a second after the last request")
	}
}

func TestClosedServerIs503(t *testing.T) {
	r := newRig(t)
	r.server.Close()
	r.server.Close()
	a := r.lines(event("1"))
	if a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Fatal(a.status, a.body)
	}
}
