package store

import (
	"encoding/json"
	"net/http"

	"github.com/parley-analytics/parley/query"
)

type countKey struct{}

// summaries reads what ClickHouse says of a statement in a header of its answer:
// over HTTP the client library reports no progress.
type summaries struct{ http.RoundTripper }

// RoundTrip sends the request and notes the summary of the answer.
func (s summaries) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := s.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if count, ok := request.Context().Value(countKey{}).(*query.Statement); ok {
		var summary struct {
			Rows  uint64 `json:"read_rows,string"`
			Bytes uint64 `json:"read_bytes,string"`
		}
		if json.Unmarshal([]byte(response.Header.Get("X-ClickHouse-Summary")), &summary) == nil {
			count.RowsRead, count.BytesRead = summary.Rows, summary.Bytes
		}
	}
	return response, nil
}

// idleCloser is a transport that keeps connections.
type idleCloser interface{ CloseIdleConnections() }

// CloseIdleConnections makes the end of a pooled connection the end of its connection to the server, which would else wait for it when
// it stops: the client looks for this method.
func (s summaries) CloseIdleConnections() {
	if t, ok := s.RoundTripper.(idleCloser); ok {
		t.CloseIdleConnections()
	}
}
