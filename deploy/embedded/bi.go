package embedded

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits on what the BI user may do at one time.
const (
	biRunning = 16
	biWaiting = 64
	// guestRunning and guestWaiting are the same for the statements of one user of some projects.
	guestRunning = 8
	guestWaiting = 32
	// biWait is how long a statement may wait for others to finish.
	biWait = 30 * time.Second
	// biStop is the number of places for KILL statements, which must not wait for the statements they stop.
	biStop = 4

	// maxStatement is the maximum size of a statement, in bytes.
	maxStatement = 1 << 20
	// biSend is how long a client may take to send a statement.
	biSend = 30 * time.Second
	// biAnswer bounds a statement including its answer. It exceeds the statement's time limit, and
	// makes a client that stops reading release its place.
	biAnswer = 2 * time.Minute
)

// ClickHouse error codes that tools know.
const (
	codeSyntax      = 62
	codeLocked      = 164
	codeTooMany     = 202
	codeDenied      = 497
	codeUnknownUser = 516
)

// bi handles the requests of the BI user: it enforces the settings and functions that the user may use, and runs a bounded number
// at a time.
type bi struct {
	fence
	guests            fence // for users of some projects
	statements, stops *queue
}

func newBI(memory int64) *bi {
	return &bi{
		fence:      fence{settings: biAllowed(memory), parameters: biParameters, functions: biRefused},
		guests:     fence{settings: guestAllowed(memory), parameters: biParameters, functions: biRefused, words: guestWords},
		statements: newQueue(biRunning, biWaiting, biWait),
		stops:      newQueue(biStop, biStop, biWait),
	}
}

// serve serves the user of all projects.
func (b *bi) serve(w http.ResponseWriter, r *http.Request, pass http.Handler) *refusal {
	return b.serveWithin(b.fence, w, r, pass)
}

// serveGuest serves a user of some projects, who has fewer places.
func (b *bi) serveGuest(w http.ResponseWriter, r *http.Request, own *queue, pass http.Handler) *refusal {
	leave, refused := own.enter(r.Context())
	if refused != nil {
		return refused
	}
	defer leave()
	return b.serveWithin(b.guests, w, r, pass)
}

// serveWithin checks and clamps the request, waits for its turn and passes it on. The statement is put
// where the child reads it first: in the body of a POST, or in the parameter of a GET.
func (b *bi) serveWithin(f fence, w http.ResponseWriter, r *http.Request, pass http.Handler) *refusal {
	if coding := strings.Join(r.Header.Values("Content-Encoding"), ","); coding != "" && coding != "identity" {
		return &refusal{status: http.StatusUnsupportedMediaType, message: "the statement must not be compressed: send it without Content-Encoding"}
	}
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/") {
		return &refusal{status: http.StatusUnsupportedMediaType, message: "external tables are not accepted: send the statement as the body, its parameters as param_NAME in the address"}
	}
	query, refused := f.holdParameters(r.URL.Query())
	if refused != nil {
		return refused
	}
	statement, refused := readStatement(w, r, query)
	if refused != nil {
		return refused
	}
	statement, kill, refused := f.holdStatement(statement)
	if refused != nil {
		return refused
	}

	turn := b.statements
	if kill {
		turn = b.stops
	}
	leave, refused := turn.enter(r.Context())
	if refused != nil {
		return refused
	}
	defer leave()
	connection := http.NewResponseController(w)
	_ = connection.SetWriteDeadline(time.Now().Add(biAnswer)) // the server's own connections support it
	defer func() { _ = connection.SetWriteDeadline(time.Time{}) }()

	out := r.Clone(r.Context())
	query.Del("query")
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	if r.Method == http.MethodPost {
		out.Body, out.ContentLength = io.NopCloser(strings.NewReader(statement)), int64(len(statement))
	} else {
		query.Set("query", statement)
	}
	for _, name := range []string{"Content-Encoding", "Content-Type", "Content-Length"} {
		out.Header.Del(name)
	}
	out.URL.RawQuery = query.Encode()
	pass.ServeHTTP(w, out)
	return nil
}

// holdParameters returns the parameters that pass, clamped. The child compares the names of its own without regard to case.
func (f fence) holdParameters(query url.Values) (url.Values, *refusal) {
	held := url.Values{}
	for name, values := range query {
		if strings.HasPrefix(name, "param_") {
			held[name] = values
			continue
		}
		l, allowed := find(f.settings, name)
		if !allowed {
			name = strings.ToLower(name)
			if l, allowed = find(f.parameters, name); !allowed {
				return nil, locked(name)
			}
		}
		if len(values) > 1 || held.Has(name) {
			return nil, &refusal{status: http.StatusBadRequest, message: "parameter " + name + " is given twice"}
		}
		value, refused := l.hold(values[0])
		if refused != nil {
			return nil, refused
		}
		held.Set(name, value)
	}
	return held, nil
}

// readStatement returns the whole text: that of the parameter, then that of the body.
func readStatement(w http.ResponseWriter, r *http.Request, query url.Values) (string, *refusal) {
	statement := query.Get("query")
	if r.Method == http.MethodPost {
		connection := http.NewResponseController(w)
		_ = connection.SetReadDeadline(time.Now().Add(biSend)) // the server's own connections support it
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxStatement))
		if err != nil {
			return "", &refusal{status: http.StatusRequestEntityTooLarge, code: codeSyntax,
				message: fmt.Sprintf("the statement was not received completely: at most %d bytes within %s", maxStatement, biSend)}
		}
		_ = connection.SetReadDeadline(time.Time{})
		if statement != "" && len(body) > 0 {
			statement += "\n"
		}
		statement += string(body)
	}
	return statement, nil
}

// hold returns the requested value, clamped to the limit. It must be a plain number where there is a range.
func (l limit) hold(wanted string) (string, *refusal) {
	if l.Max == "" {
		return wanted, nil
	}
	held, ok := l.clamp(wanted)
	if !ok {
		return "", &refusal{status: http.StatusBadRequest, code: codeLocked, message: fmt.Sprintf("%s takes a number from %s to %s", l.Name, l.Min, l.Max)}
	}
	return held, nil
}

// locked refuses a setting with ClickHouse's message. The name comes from the request, so it is cut to the characters of a
// setting's name.
func locked(name string) *refusal {
	return &refusal{status: http.StatusForbidden, code: codeLocked,
		message: fmt.Sprintf("Cannot modify '%.100s' setting in readonly mode: it is not among those that the BI user may change", strings.ToValidUTF8(name, ""))}
}

// queue lets a bounded number of requests run, and a bounded number wait for some time.
type queue struct {
	places, running chan struct{}
	wait            time.Duration
}

func newQueue(running, waiting int, wait time.Duration) *queue {
	return &queue{places: make(chan struct{}, running+waiting), running: make(chan struct{}, running), wait: wait}
}

// enter waits for a place and returns the function that releases it, or why there is none.
func (q *queue) enter(ctx context.Context) (leave func(), refused *refusal) {
	tooMany := &refusal{status: http.StatusServiceUnavailable, code: codeTooMany,
		message: fmt.Sprintf("Too many simultaneous queries: %d run, the others waited; try again in a moment", cap(q.running))}
	select {
	case q.places <- struct{}{}:
	default:
		return nil, tooMany
	}
	if !q.turn(ctx) {
		<-q.places
		return nil, tooMany
	}
	return func() { <-q.running; <-q.places }, nil
}

func (q *queue) turn(ctx context.Context) bool {
	timer := time.NewTimer(q.wait)
	defer timer.Stop()
	select {
	case q.running <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}
