package export

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Path is the part of the address before the table.
const Path = "/v1/export/"

// DefaultTime is the maximum duration of an export. The query role's profile in the
// embedded ClickHouse allows ten minutes, of which the client library adds seconds.
const DefaultTime = 9 * time.Minute

// Parley's own header fields of a response.
const (
	HeaderPosition = "X-Parley-Position" // start of the next incremental read
	HeaderRows     = "X-Parley-Rows"     // number of rows, if requested with count=true
)

// Reader parses the request, in a context of the caller: a *query.API.
type Reader interface {
	Extract(ctx context.Context, table query.Table, parameters url.Values) (*query.Extract, error)
}

// Tables writes rows. Extract returns once it is known whether the statement starts; later errors
// come from the stream.
type Tables interface {
	Extract(ctx context.Context, e *query.Extract) (io.ReadCloser, error)
	CountExtract(ctx context.Context, e *query.Extract) (uint64, error)
}

// Config is what a Handler needs. Limits that are 0 get their defaults.
type Config struct {
	Authenticator endpoint.Authenticator
	Reader        Reader
	Tables        Tables

	Time      time.Duration // maximum duration of an export: [DefaultTime]
	WriteTime time.Duration // most time to read one piece, and to be behind leastRate: 30 s
	PerCaller int           // at a time: 2
	Together  int           // at a time, of all callers: 8

	Logger  *slog.Logger
	Metrics prometheus.Registerer
}

// Handler answers below Path.
type Handler struct {
	config Config
	places *places
	total  *prometheus.CounterVec
	bytes  *prometheus.CounterVec
}

// New makes a Handler.
func New(c Config) (*Handler, error) {
	if c.Time == 0 {
		c.Time = DefaultTime
	}
	if c.WriteTime == 0 {
		c.WriteTime = 30 * time.Second
	}
	if c.PerCaller == 0 {
		c.PerCaller = 2
	}
	if c.Together == 0 {
		c.Together = 8
	}
	h := &Handler{
		config: c, places: newPlaces(c.PerCaller, c.Together),
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_exports_total", Help: "Exports by table and outcome.",
		}, []string{"table", "outcome"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_export_bytes_total", Help: "Bytes of exports by table.",
		}, []string{"table"}),
	}
	for _, collector := range []prometheus.Collector{h.total, h.bytes} {
		if err := c.Metrics.Register(collector); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	began := time.Now()
	x := &export{handler: h, w: w, r: r}
	err := x.serve()
	outcome := "complete"
	switch {
	case err == nil:
	case x.begun && r.Context().Err() != nil:
		outcome = "given up"
	case x.begun:
		outcome = "cut off"
	default:
		outcome = x.refuse(err)
	}
	table := "none"
	if x.extract != nil {
		table = string(x.extract.Table)
	}
	h.total.WithLabelValues(table, outcome).Inc()
	h.bytes.WithLabelValues(table).Add(float64(x.written))
	h.config.Logger.InfoContext(r.Context(), "export", "table", table, "caller", x.caller.ID, "outcome", outcome, "bytes", x.written, "duration", time.Since(began))
	if err != nil && x.begun {
		if outcome == "cut off" {
			h.config.Logger.ErrorContext(r.Context(), "export interrupted", "table", table, "error", err)
		}
		panic(http.ErrAbortHandler) // the only way to tell a client that a body is not complete
	}
}

// export is one request and its result.
type export struct {
	handler *Handler
	w       http.ResponseWriter
	r       *http.Request
	caller  schema.Caller
	extract *query.Extract
	begun   bool // the status is sent
	written int64
}

// serve answers, or returns why not.
func (x *export) serve() error {
	c := &x.handler.config
	if x.r.Method != http.MethodGet {
		x.w.Header().Set("Allow", http.MethodGet)
		return &refusal{http.StatusMethodNotAllowed, string(query.CodeBadInput), "the method must be GET"}
	}
	table := query.Table(x.r.URL.Path[len(Path):])
	switch table {
	case query.TableConversations, query.TableContacts, query.TableTransactions:
	default:
		return &refusal{http.StatusNotFound, string(query.CodeNotFound), "no such export: the tables are conversations, contacts and transactions"}
	}
	var err error
	if x.caller, err = c.Authenticator.Authenticate(x.r); err != nil {
		return err
	}
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return &refusal{http.StatusBadRequest, string(query.CodeBadInput), "the query string is malformed"}
	}
	count, err := takeFlag(values, "count")
	if err != nil {
		return err
	}
	raw, err := takeFlag(values, "raw")
	if err != nil {
		return err
	}
	leave, ok := x.handler.places.enter(x.caller.ID)
	if !ok {
		endpoint.RetryAfter(x.w.Header(), 10*time.Second)
		return &refusal{http.StatusTooManyRequests, "THROTTLED", "too many exports are running: try again later"}
	}
	defer leave()
	ctx, cancel := context.WithTimeout(query.WithCaller(x.r.Context(), x.caller), c.Time)
	defer cancel()
	if x.extract, err = c.Reader.Extract(ctx, table, values); err != nil {
		return err
	}
	if count {
		rows, err := c.Tables.CountExtract(ctx, x.extract)
		if err != nil {
			return err
		}
		x.w.Header().Set(HeaderRows, strconv.FormatUint(rows, 10))
	}
	stream, err := c.Tables.Extract(ctx, x.extract)
	if err != nil {
		return err
	}
	defer stream.Close()
	if x.extract.Format == query.FormatCSV && !raw {
		return x.pass(newFormulaGuard(stream))
	}
	return x.pass(stream)
}

// takeFlag reads a parameter of this package and removes it from those of the query.
func takeFlag(values url.Values, name string) (bool, error) {
	given := values[name]
	delete(values, name)
	if len(given) > 1 || len(given) == 1 && given[0] != "true" && given[0] != "false" {
		return false, &refusal{http.StatusBadRequest, string(query.CodeBadInput), name + ": must be true or false"}
	}
	return len(given) == 1 && given[0] == "true", nil
}

const (
	// pieceBytes is the size of the buffer.
	pieceBytes = 128 << 10
	// leastRate is how many bytes a second a reader has to take on average: a slower
	// one would hold a statement in ClickHouse and a place of others.
	leastRate = 64 << 10
)

// pass forwards the stream. The status is sent with the first byte, or
// with the end.
func (x *export) pass(stream io.Reader) error {
	control := http.NewResponseController(x.w)
	piece := make([]byte, pieceBytes)
	var waited time.Duration // for the reader
	for {
		n, err := stream.Read(piece)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return err
		}
		if !x.begun && (n > 0 || ended) {
			x.begin()
		}
		if n > 0 {
			// Writers without deadlines (in tests) wait as long as it takes.
			began := time.Now()
			behind := waited - time.Duration(x.written+int64(n))*time.Second/leastRate
			_ = control.SetWriteDeadline(began.Add(x.handler.config.WriteTime - max(behind, 0)))
			m, broken := x.w.Write(piece[:n])
			waited += time.Since(began)
			x.written += int64(m)
			if broken != nil {
				return broken
			}
		}
		if ended {
			return nil
		}
	}
}

// begin sends the header.
func (x *export) begin() {
	h := x.w.Header()
	h.Set("Content-Type", map[query.Format]string{
		query.FormatNDJSON:  "application/x-ndjson",
		query.FormatCSV:     "text/csv; charset=utf-8; header=present",
		query.FormatParquet: "application/vnd.apache.parquet",
	}[x.extract.Format])
	h.Set("Content-Disposition", `attachment; filename="`+string(x.extract.Table)+"."+string(x.extract.Format)+`"`)
	h.Set(HeaderPosition, x.extract.Position)
	x.w.WriteHeader(http.StatusOK)
	x.begun = true
}

// refusal is an error of this package with its status.
type refusal struct {
	status  int
	code    string
	message string
}

// Error returns the message.
func (r *refusal) Error() string { return r.message }

// refuse answers with an error and returns its code.
func (x *export) refuse(err error) string {
	var ours *refusal
	var known *query.Error
	var theirs endpoint.Refusal
	answer := refusal{http.StatusInternalServerError, string(query.CodeInternal), "internal error"}
	switch {
	case errors.As(err, &ours):
		answer = *ours
	case errors.As(err, &known):
		answer = refusal{statusOf(known.Code), string(known.Code), known.Message}
		if answer.status == http.StatusServiceUnavailable {
			endpoint.RetryAfter(x.w.Header(), time.Second)
		}
	case errors.As(err, &theirs):
		theirs.Header(x.w.Header())
		answer = refusal{theirs.HTTPStatus(), string(query.CodeUnauthenticated), theirs.Error()}
		if answer.status == http.StatusBadRequest {
			answer.code = string(query.CodeBadInput)
		}
	case x.caller.ID == "":
		answer = refusal{http.StatusServiceUnavailable, string(query.CodeUnavailable), "cannot check credentials now"}
	}
	if answer.status >= http.StatusInternalServerError && x.r.Context().Err() == nil {
		x.handler.config.Logger.ErrorContext(x.r.Context(), "export failed", "error", err)
	}
	x.w.Header().Del(HeaderRows)
	endpoint.JSON(x.w, answer.status, map[string]string{"error": answer.code, "message": answer.message})
	return answer.code
}

func statusOf(code query.Code) int {
	switch code {
	case query.CodeBadInput:
		return http.StatusBadRequest
	case query.CodeUnauthenticated:
		return http.StatusUnauthorized
	case query.CodeForbidden:
		return http.StatusForbidden
	case query.CodeNotFound:
		return http.StatusNotFound
	case query.CodeTimeout:
		return http.StatusGatewayTimeout
	case query.CodeTooLarge:
		return http.StatusUnprocessableEntity
	case query.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
