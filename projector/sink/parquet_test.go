package sink

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// TestParquetIsTakenOnlyWhenItIsWhole is about the answers of a server; a real one
// writes the file in the test of the command.
func TestParquetIsTakenOnlyWhenItIsWhole(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string // of the error
	}{
		"whole": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("PAR1 rows PA"))
			_, _ = w.Write([]byte("R1"))
		}, ""},
		"an error at its end": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("PAR1 rows Code: 241")) },
			"ClickHouse did not finish the file"},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Code: 497.\n no\tgrant", http.StatusForbidden)
		},
			"ClickHouse answered 403 Forbidden: Code: 497. no grant"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) },
			"ClickHouse answered 302 Found"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-ClickHouse-User") != "reader" || r.Header.Get("X-ClickHouse-Key") != "secret" {
					t.Errorf("credentials %v", r.Header)
				}
				c.answer(w, r)
			}))
			defer server.Close()
			var file bytes.Buffer
			err := Server{URL: server.URL, User: "reader", Password: "secret"}.ExportParquet(
				t.Context(), tables.Export{Version: 1, Projects: schema.Projects{All: true}, Until: 9}, &file)
			if c.want == "" && (err != nil || file.String() != "PAR1 rows PAR1") || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("%v, %q", err, file.String())
			}
		})
	}
	if err := (Server{URL: "clickhouse://127.0.0.1:1"}).ExportParquet(t.Context(), tables.Export{}, &bytes.Buffer{}); !errors.Is(err, ErrNoHTTP) {
		t.Errorf("native: %v", err)
	}
}
