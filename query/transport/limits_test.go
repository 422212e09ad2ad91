package transport_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
)

// anybody is let in under the name in x-api-id.
type anybody struct{}

func (anybody) Authenticate(r *http.Request) (schema.Caller, error) {
	return schema.Caller{ID: r.Header.Get("X-Api-Id"), Scopes: []schema.Scope{schema.ScopeRead}}, nil
}

func TestHostileDocumentsAreRefusedEarly(t *testing.T) {
	r := newRig(t)
	var bomb strings.Builder // each fragment doubles the one after it
	for i := range 60 {
		fmt.Fprintf(&bomb, "fragment F%d on Row { a: self { ...F%d } b: self { ...F%d } } ", i, i+1, i+1)
	}
	var wide strings.Builder // without aliases: 2^40 fields, none of them deep
	for i := range 40 {
		fmt.Fprintf(&wide, "fragment W%d on Query { ...W%d ...W%d } ", i, i+1, i+1)
	}
	for name, c := range map[string]struct {
		document, code string
	}{
		"10,000 aliases":       {"{" + repeat(10_000, func(i int) string { return fmt.Sprintf(" a%d: echo", i) }) + "}", "QUERY_TOO_LARGE"},
		"201 aliases":          {"{ page {" + repeat(201, func(i int) string { return fmt.Sprintf(" a%d: nodes { id }", i) }) + "} }", "QUERY_TOO_LARGE"},
		"51 fields at the top": {"{" + repeat(51, func(int) string { return " echo" }) + "}", "QUERY_TOO_LARGE"},
		"depth 1,000":          {"{ page { nodes " + strings.Repeat("{ self ", 1000) + "{ id }" + strings.Repeat("}", 1000) + "} }", "QUERY_TOO_LARGE"},
		"depth 500":            {"{ page { nodes " + strings.Repeat("{ self ", 500) + "{ id }" + strings.Repeat("}", 500) + "} }", "QUERY_TOO_LARGE"},
		"depth by fragments":   {"{ page { nodes { ...F0 } } } " + repeat(30, func(i int) string { return fmt.Sprintf("fragment F%d on Row { self { ...F%d } } ", i, i+1) }) + "fragment F30 on Row { id }", "QUERY_TOO_LARGE"},
		"doubling fragments":   {"{ page(first: 1) { nodes { ...F0 } } } " + bomb.String() + "fragment F60 on Row { id }", "QUERY_TOO_LARGE"},
		"a wide bomb":          {"{ ...W0 } " + wide.String() + "fragment W40 on Query { echo }", "QUERY_TOO_LARGE"},
		"nested lists in args": {"{ echo(text: " + strings.Repeat("[", 20_000) + ") }", "QUERY_TOO_LARGE"},
		"a long document":      {"{ echo } #" + strings.Repeat("x", 200_000), "QUERY_TOO_LARGE"},
		"many tokens":          {"{ echo " + strings.Repeat("echo ", 20_000) + "}", "QUERY_TOO_LARGE"},
		"nested introspection": {"{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "QUERY_TOO_LARGE"},
		"many introspections":  {"{" + repeat(50, func(i int) string { return fmt.Sprintf(" i%d: __schema { types { name } }", i) }) + "}", ""},
		"a cycle":              {"{ page { nodes { ...A } } } fragment A on Row { self { ...B } } fragment B on Row { self { ...A } }", "GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			a := r.post(c.document, nil)
			if a.code() != c.code || a.status != 200 {
				t.Errorf("%d %.300s; want %s", a.status, a.raw, c.code)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// Fields of one name are compared in pairs; the library's limit stops that.
func TestManyFieldsOfOneNameAreCheckedInTime(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	r.post("{ page { nodes {"+strings.Repeat(" self { id }", 900)+"} } }", nil)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestHostileBodiesAreRefused(t *testing.T) {
	r := newRig(t)
	if a := r.body(`{"query":"` + strings.Repeat("x", 20<<20) + `"}`); a.status != 413 || a.code() != "QUERY_TOO_LARGE" {
		t.Errorf("20 MiB: %d %.200s", a.status, a.raw)
	}
	if a := r.body(`{"query":"{ echo }","variables":` + strings.Repeat(`{"a":`, 50_000) + `1` + strings.Repeat(`}`, 50_000) + `}`); a.status != 400 {
		t.Errorf("deep JSON: %d %.200s", a.status, a.raw)
	}
	if a := r.get("query=" + strings.Repeat("%20", 200_000)); a.status != 414 {
		t.Errorf("a long query string: %d %.200s", a.status, a.raw)
	}
}

// Many clients do not look at the answer before they have sent everything.
func TestTheRefusalOfALargeBodyArrives(t *testing.T) {
	server := httptest.NewServer(newRig(t).handler)
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	const size = 20 << 20
	fmt.Fprintf(connection, "POST /graphql HTTP/1.1\r\nHost: x\r\nX-Api-Id: reader\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size)
	if _, err := io.CopyN(connection, zeros{}, size); err != nil {
		t.Fatalf("the body cannot be sent: %v", err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if a := read(t, response); a.status != http.StatusRequestEntityTooLarge || a.code() != "QUERY_TOO_LARGE" {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func repeat(n int, text func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(i))
	}
	return b.String()
}

func TestSlowSendersDoNotDelayOthers(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.BodyTime = 500 * time.Millisecond })
	server := httptest.NewServer(r.handler)
	defer server.Close()

	// 50 connections of the same credential send half a body and stop.
	var slow []net.Conn
	for range 50 {
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		fmt.Fprintf(connection, "POST /graphql HTTP/1.1\r\nHost: x\r\nX-Api-Id: reader\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"query\":")
		slow = append(slow, connection)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/graphql", strings.NewReader(`{"query":"{ echo }"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Id", "reader")
	began := time.Now()
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if a := read(t, response); a.status != 200 || time.Since(began) > 400*time.Millisecond {
		t.Errorf("%d after %v: %s", a.status, time.Since(began), a.raw)
	}

	// They get an answer and the connection is closed.
	for _, connection := range slow {
		if err := connection.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusRequestTimeout || !response.Close {
			t.Errorf("status %d, close %t", response.StatusCode, response.Close)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

// deadlines is a writer that takes them down.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = append(d.read, t)
	return nil
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = append(d.write, t)
	return nil
}

func TestDeadlinesOfARequestDoNotStayOnTheConnection(t *testing.T) {
	r := newRig(t)
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ echo }"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Id", "reader")
	r.handler.ServeHTTP(w, request)
	for name, set := range map[string][]time.Time{"read": w.read, "write": w.write} {
		if len(set) != 2 || set[0].IsZero() || !set[1].IsZero() {
			t.Errorf("%s deadlines: %v", name, set)
		}
	}
}

func TestARequestOfOneCredentialWaitsForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *transport.Config) { c.Limits.Concurrent, c.Limits.Waiting = 2, 1 })
		answers := make(chan *answer, 3)
		for range 3 {
			go func() { answers <- r.post(`{ wait }`, nil) }()
		}
		synctest.Wait()
		if n := len(r.toy.waiting); n != 2 {
			t.Fatalf("%d requests run", n)
		}
		// With two running and one waiting, the next is refused at once.
		refused := r.post(`{ echo }`, nil, fields(graphQLJSON))
		if refused.code() != "THROTTLED" || refused.status != 429 || refused.header.Get("Retry-After") != "1" {
			t.Errorf("%d %s", refused.status, refused.raw)
		}
		if a := r.post(`{ echo }`, nil, fields("X-Api-Id: other")); a.code() != "" {
			t.Errorf("another credential: %s", a.raw)
		}
		close(r.toy.release)
		for range 3 {
			if a := <-answers; len(a.Errors) != 0 {
				t.Error(a.raw)
			}
		}
	})
}

func TestWaitingForAPlaceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *transport.Config) { c.Limits.Concurrent, c.Limits.MaxWait = 1, 5*time.Second })
		done := make(chan *answer)
		go func() { done <- r.post(`{ wait }`, nil) }()
		synctest.Wait()
		began := time.Now()
		if a := r.post(`{ echo }`, nil); a.code() != "THROTTLED" || time.Since(began) != 5*time.Second {
			t.Errorf("after %v: %s", time.Since(began), a.raw)
		}
		close(r.toy.release)
		<-done
		if a := r.post(`{ echo }`, nil); a.code() != "" {
			t.Errorf("the place was not given back: %s", a.raw)
		}
	})
}

func TestAQueryThatTakesTooLongIsCancelled(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.Time = 30 * time.Millisecond })
	for accept, status := range map[string]int{"Accept: application/json": 200, graphQLJSON: 504} {
		a := r.post(`{ wait }`, nil, fields(accept))
		if a.code() != "TIMEOUT" || a.status != status {
			t.Errorf("%s: %d %s", accept, a.status, a.raw)
		}
	}
}
