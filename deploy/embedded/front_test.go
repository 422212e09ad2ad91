package embedded_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func closeIdle() { http.DefaultClient.CloseIdleConnections() }

// ask sends a request to address (http://HOST:PORT) and returns the status and the body.
func ask(t *testing.T, method, address, body string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		name := http.CanonicalHeaderKey(pairs[i])
		h[name] = append(h[name], pairs[i+1])
	}
	return h
}

func TestEveryWayOfGivingCredentialsWorks(t *testing.T) {
	s := enginetest.ClickHouse(t)
	user := s.Writer
	for name, request := range map[string]struct {
		query  string
		header http.Header
	}{
		"basic":              {"", header("Authorization", basic(user.Name, user.Password))},
		"headers":            {"", header("X-ClickHouse-User", user.Name, "X-ClickHouse-Key", user.Password)},
		"parameters":         {"?user=" + user.Name + "&password=" + user.Password, nil},
		"encoded parameters": {"?us%65r=" + user.Name + "&PASSWORD=" + user.Password, nil},
	} {
		status, body := ask(t, http.MethodPost, s.FrontURL+"/"+request.query, "SELECT currentUser()", request.header)
		if status != http.StatusOK || body != user.Name+"\n" {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
}

func TestDefaultAndStrangersAreRefusedInEveryWay(t *testing.T) {
	s := enginetest.ClickHouse(t)
	writer := basic(s.Writer.Name, s.Writer.Password)
	form, formType := multipartForm(t, map[string]string{"user": "default", "password": "", "query": "SELECT currentUser()"})
	for _, c := range []struct {
		name, query, body string
		header            http.Header
	}{
		{"nobody", "", "", nil},
		{"empty basic", "", "", header("Authorization", basic("", ""))},
		{"basic", "", "", header("Authorization", basic("default", ""))},
		{"basic lower case", "", "", header("Authorization", strings.Replace(basic("default", ""), "Basic", "basic", 1))},
		{"basic broken", "", "", header("Authorization", "Basic !!!")},
		{"bearer", "", "", header("Authorization", "Bearer x")},
		{"negotiate", "", "", header("Authorization", "Negotiate x")},
		{"never", "", "", header("Authorization", "never")},
		{"two basics", "", "", header("Authorization", writer, "Authorization", basic("default", ""))},
		{"header", "", "", header("X-ClickHouse-User", "default")},
		{"header with key", "", "", header("X-ClickHouse-User", "default", "X-ClickHouse-Key", "")},
		{"key alone", "", "", header("X-ClickHouse-Key", "x")},
		{"two headers", "", "", header("X-ClickHouse-User", s.Writer.Name, "X-ClickHouse-User", "default", "X-ClickHouse-Key", s.Writer.Password)},
		{"parameter", "user=default", "", nil},
		{"parameter in capitals", "USER=default", "", nil},
		{"parameter encoded", "%75ser=default", "", nil},
		{"parameter empty", "user=", "", nil},
		{"password alone", "password=x", "", nil},
		{"two parameters", "user=" + s.Writer.Name + "&user=default&password=" + s.Writer.Password, "", nil},
		{"two cases", "user=" + s.Writer.Name + "&User=default&password=" + s.Writer.Password, "", nil},
		{"basic and parameter", "user=default", "", header("Authorization", writer)},
		{"basic and parameter in capitals", "User=default", "", header("Authorization", writer)},
		{"basic and header", "", "", header("Authorization", writer, "X-ClickHouse-User", "default")},
		{"header and parameter", "user=default", "", header("X-ClickHouse-User", s.Writer.Name, "X-ClickHouse-Key", s.Writer.Password)},
		{"certificate", "", "", header("X-ClickHouse-User", "default", "X-ClickHouse-SSL-Certificate-Auth", "on")},
		{"certificate alone", "", "", header("X-ClickHouse-SSL-Certificate-Auth", "on")},
		{"session", "session_id=x", "", nil},
		{"cookie", "", "", header("Cookie", "user=default; session=x")},
		{"form", "", form, header("Content-Type", formType)},
		{"semicolon", "a=1;user=default", "", nil},
		{"unknown user", "", "", header("Authorization", basic("unknown", "x"))},
		{"nearly default", "", "", header("Authorization", basic("default ", ""))},
		{"nul in the name", "", "", header("Authorization", basic(s.Writer.Name+"\x00default", s.Writer.Password))},
		{"line feed in the password", "", "", header("Authorization", basic(s.Writer.Name, "x\r\nX-ClickHouse-User: default"))},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			body := c.body
			if body == "" {
				body = "SELECT currentUser()"
			}
			status, answer := ask(t, method, s.FrontURL+"/?"+c.query, body, c.header)
			if status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusBadRequest || strings.Contains(answer, "default") {
				t.Errorf("%s %s: %d %q", method, c.name, status, answer)
			}
		}
	}
	// An authenticated client keeps its user.
	for _, query := range []string{"session_id=x", "quota_key=default", "param_user=default"} {
		if status, answer := ask(t, http.MethodPost, s.FrontURL+"/?"+query, "SELECT currentUser()", header("Authorization", writer)); answer != s.Writer.Name+"\n" {
			t.Errorf("%s: %d %q", query, status, answer)
		}
	}
	mixed := header("Authorization", writer, "Content-Type", formType)
	if status, answer := ask(t, http.MethodPost, s.FrontURL+"/", form, mixed); strings.Contains(answer, "default") {
		t.Errorf("form with credentials: %d %q", status, answer)
	}
	eventuallyAlive(t, s)
}

// The private port is open to every local user, and the session that keeps the child alive has no password.
func TestDefaultIsRefusedOnThePrivatePort(t *testing.T) {
	s := enginetest.ClickHouse(t)
	private := "http://" + s.Addr + "/"
	writer := basic(s.Writer.Name, s.Writer.Password)
	form, formType := multipartForm(t, map[string]string{"user": "default", "password": "", "query": "SELECT currentUser()"})
	for _, c := range []struct {
		name, query, body string
		header            http.Header
	}{
		{"nobody", "", "", nil},
		{"basic", "", "", header("Authorization", basic("default", ""))},
		{"header", "", "", header("X-ClickHouse-User", "default")},
		{"two headers", "", "", header("X-ClickHouse-User", "default", "X-ClickHouse-User", "parley_writer")},
		{"two headers the other way", "", "", header("X-ClickHouse-User", "parley_writer", "X-ClickHouse-User", "default")},
		{"parameter", "user=default", "", nil},
		{"unknown user and encoded parameter", "us%65r=default", "", header("Authorization", basic("parley_writer", ""))},
		{"unknown user with parameter", "user=default", "", header("Authorization", basic("parley_x", ""))},
		{"header and parameter", "user=default", "", header("X-ClickHouse-User", "parley_x")},
		{"form", "", form, header("Content-Type", formType)},
		{"form with credentials", "", form, header("Authorization", writer, "Content-Type", formType)},
		{"form with a foreign name", "", form, header("Authorization", basic("parley_x", ""), "Content-Type", formType)},
		{"certificate", "", "", header("X-ClickHouse-User", "parley_x", "X-ClickHouse-SSL-Certificate-Auth", "on")},
	} {
		body := c.body
		if body == "" {
			body = "SELECT currentUser()"
		}
		status, answer := ask(t, http.MethodPost, private+"?"+c.query, body, c.header)
		if status == http.StatusOK && answer != s.Writer.Name+"\n" || strings.HasPrefix(answer, "default") {
			t.Errorf("%s: %d %q", c.name, status, answer)
		}
	}
	for _, path := range []string{"play", "dashboard", "binary", "js/uplot.js", "replicas_status", "webterminal"} {
		if status, _ := ask(t, http.MethodGet, private+path, "", nil); status == http.StatusOK {
			t.Errorf("/%s answers", path)
		}
	}
}

func multipartForm(t *testing.T, fields map[string]string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.String(), w.FormDataContentType()
}

func TestWrongPasswordIsRefusedAndHarmless(t *testing.T) {
	s := enginetest.ClickHouse(t)
	for range 20 {
		status, body := ask(t, http.MethodPost, s.FrontURL+"/", "SELECT 1", header("Authorization", basic(s.BI.Name, "wrong")))
		if status != http.StatusForbidden || !strings.Contains(body, "Authentication failed") {
			t.Fatalf("%d %q", status, body)
		}
	}
	eventuallyAlive(t, s)
}

func TestOnlyQueriesAndPingPass(t *testing.T) {
	s := enginetest.ClickHouse(t)
	user := header("Authorization", basic(s.Writer.Name, s.Writer.Password))
	for path, want := range map[string]int{
		"/ping": 200, "/replicas_status": 200, "/play": 404, "/dashboard": 404, "/binary": 404, "/js/uplot.js": 404, "/webterminal": 404,
		"//": 404, "/ping/": 404, "/%2e%2e/play": 404, "/?query=SELECT+1": 200,
	} {
		if status, body := ask(t, http.MethodGet, s.FrontURL+path, "", user); status != want {
			t.Errorf("%s: %d %q, want %d", path, status, body, want)
		}
	}
	if status, body := ask(t, http.MethodGet, s.FrontURL+"/ping", "", nil); status != 200 || body != "Ok.\n" {
		t.Errorf("ping without credentials: %d %q", status, body)
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"} {
		if status, _ := ask(t, method, s.FrontURL+"/", "SELECT 1", user); status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, status)
		}
	}
}

func TestBodiesPassUnchangedInBothDirections(t *testing.T) {
	s := enginetest.ClickHouse(t)
	table := enginetest.Database(t) + ".t"
	s.Exec(t, "CREATE TABLE "+table+" (a UInt32) ENGINE = MergeTree ORDER BY a")
	rows := strings.Repeat("1\n2\n", 50_000)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, rows); err != nil {
		t.Fatal(err)
	}
	w.Close()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for encoding, body := range map[string][]byte{"": []byte(rows), "gzip": zipped.Bytes(), "zstd": encoder.EncodeAll([]byte(rows), nil)} {
		h := header("Authorization", basic(s.Writer.Name, s.Writer.Password))
		if encoding != "" {
			h.Set("Content-Encoding", encoding)
		}
		insert := "/?query=" + url.QueryEscape("INSERT INTO "+table+" FORMAT TSV")
		if status, answer := ask(t, http.MethodPost, s.FrontURL+insert, string(body), h); status != http.StatusOK {
			t.Errorf("%q: %d %s", encoding, status, answer)
		}
	}
	if got := s.Exec(t, "SELECT sum(a) FROM "+table); got != "450000" {
		t.Errorf("sum is %s", got)
	}

	h := header("Authorization", basic(s.Writer.Name, s.Writer.Password), "Accept-Encoding", "zstd")
	_, answer := ask(t, http.MethodPost, s.FrontURL+"/?enable_http_compression=1", "SELECT 'hello'", h)
	decoder, err := zstd.NewReader(strings.NewReader(answer))
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	if plain, err := io.ReadAll(decoder); err != nil || string(plain) != "hello\n" {
		t.Errorf("zstd answer is %q, %v", plain, err)
	}
}

func TestAnswersStreamAndEndWithTheirClient(t *testing.T) {
	s := enginetest.ClickHouse(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const statement = "SELECT sleepEachRow(0.3), randomString(900000) FROM numbers(60) SETTINGS max_block_size = 1"
	s.Exec(t, "CREATE DATABASE IF NOT EXISTS parley ENGINE = Atomic") // where the BI user starts
	for _, user := range []embedded.User{s.Reader, s.BI} {
		requestContext, hangUp := context.WithCancel(ctx)
		request, err := http.NewRequestWithContext(requestContext, http.MethodPost, s.FrontURL+"/?query_id=streams_"+user.Name, strings.NewReader(statement))
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(user.Name, user.Password)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			content, _ := io.ReadAll(response.Body)
			t.Fatalf("%s: %d %s", user.Name, response.StatusCode, content)
		}
		if _, err := response.Body.Read(make([]byte, 1)); err != nil {
			t.Errorf("%s: the first row does not come before the last: %v", user.Name, err)
		}
		running := func() bool {
			return s.Exec(t, "SELECT count() FROM system.processes WHERE query_id = 'streams_"+user.Name+"'") == "1"
		}
		if !running() {
			t.Errorf("%s: the query does not run while its answer is read", user.Name)
		}
		hangUp()
		response.Body.Close()
		eventually(t, "the query ends with its client", func() bool { return !running() })
	}
}

func TestMalformedRequestsAreHarmless(t *testing.T) {
	s := enginetest.ClickHouse(t)
	host := strings.TrimPrefix(s.FrontURL, "http://")
	auth := "Authorization: " + basic(s.Writer.Name, s.Writer.Password) + "\r\nHost: x\r\n"
	long := strings.Repeat("x", 100<<10)
	for name, raw := range map[string]string{
		"garbage":              "\x00\x01\x02\xff garbage\r\n\r\n",
		"tls hello":            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"native hello":         "\x00\x11ClickHouse client",
		"nothing":              "",
		"cut request line":     "GET /",
		"cut header":           "GET / HTTP/1.1\r\nHost: x\r\nX-Click",
		"no host":              "GET / HTTP/1.1\r\n\r\n",
		"bad version":          "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
		"http 1.0":             "GET /?query=SELECT+1 HTTP/1.0\r\n" + auth + "\r\n",
		"bad length":           "POST / HTTP/1.1\r\n" + auth + "Content-Length: -1\r\n\r\n",
		"two lengths":          "POST / HTTP/1.1\r\n" + auth + "Content-Length: 5\r\nContent-Length: 50\r\n\r\nabcde",
		"length and chunked":   "POST / HTTP/1.1\r\n" + auth + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGARBAGE / HTTP/1.1\r\n\r\n",
		"unknown encoding":     "POST / HTTP/1.1\r\n" + auth + "Transfer-Encoding: zip\r\n\r\nx",
		"bad chunk":            "POST / HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\nZZ\r\nSELECT 1\r\n",
		"cut chunk":            "POST / HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\nff\r\nSELECT 1",
		"trailers":             "POST / HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\nTrailer: X-A\r\nTE: trailers\r\n\r\n8\r\nSELECT 1\r\n0\r\nX-A: b\r\n\r\n",
		"cut body":             "POST / HTTP/1.1\r\n" + auth + "Content-Length: 500\r\n\r\nSELECT 1",
		"expect":               "POST / HTTP/1.1\r\n" + auth + "Expect: 100-continue\r\nContent-Length: 8\r\n\r\n",
		"folded header":        "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "X-A: a\r\n b\r\n\r\n",
		"high bytes":           "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "X-A: \xff\xfe\x80\r\n\r\n",
		"long value":           "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "X-A: " + long + "\r\n\r\n",
		"longer value":         "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "X-A: " + long + long + long + "\r\n\r\n",
		"long name":            "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + long + ": a\r\n\r\n",
		"many headers":         "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + strings.Repeat("X-A: b\r\n", 10_000) + "\r\n",
		"long address":         "GET /?query=" + long + " HTTP/1.1\r\n" + auth + "\r\n",
		"many parameters":      "GET /?" + strings.Repeat("a=1&", 20_000) + "query=SELECT+1 HTTP/1.1\r\n" + auth + "\r\n",
		"long parameter":       "GET /?" + long + "=1 HTTP/1.1\r\n" + auth + "\r\n",
		"bad escapes":          "GET /?query=%zz%0 HTTP/1.1\r\n" + auth + "\r\n",
		"nul in the query":     "GET /?query=SELECT+1%00 HTTP/1.1\r\n" + auth + "\r\n",
		"absolute address":     "GET http://example.invalid/?query=SELECT+1 HTTP/1.1\r\n" + auth + "\r\n",
		"asterisk":             "OPTIONS * HTTP/1.1\r\n" + auth + "\r\n",
		"connect":              "CONNECT x:1 HTTP/1.1\r\n" + auth + "\r\n",
		"upgrade":              "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"http2":                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"bad gzip":             "POST /?query=SELECT+1 HTTP/1.1\r\n" + auth + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
		"bad zstd":             "POST /?query=SELECT+1 HTTP/1.1\r\n" + auth + "Content-Encoding: zstd\r\nContent-Length: 5\r\n\r\nabcde",
		"unknown coding":       "POST /?query=SELECT+1 HTTP/1.1\r\n" + auth + "Content-Encoding: xyz\r\nContent-Length: 5\r\n\r\nabcde",
		"bad native blocks":    "POST /?decompress=1 HTTP/1.1\r\n" + auth + "Content-Length: 50\r\n\r\n" + strings.Repeat("\x82", 50),
		"bad form":             "POST / HTTP/1.1\r\n" + auth + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9\r\n\r\n--b\r\ngarb",
		"form without border":  "POST / HTTP/1.1\r\n" + auth + "Content-Type: multipart/form-data\r\nContent-Length: 9\r\n\r\n--b\r\ngarb",
		"bad trace":            "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "traceparent: 00-zz-zz-zz\r\ntracestate: \xff\r\n\r\n",
		"bad forwarded":        "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "X-Forwarded-For: \xff,,,;[::\r\nForwarded: for=\xff\r\n\r\n",
		"bad format":           "GET /?query=SELECT+1&default_format=%ff HTTP/1.1\r\n" + auth + "X-ClickHouse-Format: \xff\r\n\r\n",
		"bad session":          "GET /?query=SELECT+1&session_id=%00&session_timeout=-1 HTTP/1.1\r\n" + auth + "\r\n",
		"bad sizes":            "GET /?query=SELECT+1&buffer_size=-1&wait_end_of_query=x&http_response_buffer_size=99999999999999 HTTP/1.1\r\n" + auth + "\r\n",
		"pipelined, then junk": "GET /?query=SELECT+1 HTTP/1.1\r\n" + auth + "\r\n\x00\x01\x02",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = io.WriteString(conn, raw)     // the front may hang up in the middle
			_ = conn.(*net.TCPConn).CloseWrite() // no more comes
			_, _ = io.Copy(io.Discard, conn)     // read until it hangs up
			_ = conn.(*net.TCPConn).SetLinger(0) // and reset
			conn.Close()
			if _, err := s.Query(s.Writer, "SELECT 1"); err != nil {
				t.Fatalf("ClickHouse is gone: %v", err)
			}
		})
	}
	// A child that ended would have lost its uptime.
	eventuallyAlive(t, s)
}

// eventuallyAlive fails the test when the child has not answered from the start of the test binary on.
func eventuallyAlive(t *testing.T, s *enginetest.ClickHouseServer) {
	t.Helper()
	if _, err := s.Query(s.Writer, "SELECT 1"); err != nil {
		t.Errorf("ClickHouse is gone: %v", err)
	}
}
