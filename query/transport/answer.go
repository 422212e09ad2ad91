package transport

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"

	"github.com/parley-analytics/parley/schema/endpoint"
)

// refuse answers without data.
func (h *Handler) refuse(x *exchange, r *refusal) {
	endpoint.RetryAfter(x.w.Header(), r.wait)
	h.answer(x, &graphql.Response{Errors: []*gqlerrors.QueryError{r.queryError()}}, r.status)
}

// maxErrors is the maximum number of faults reported of one document, maxFieldErrors the maximum
// number of field errors next to data.
const maxErrors, maxFieldErrors = 20, 1000

// answer writes an answer. Status 0 leaves it to the media type.
func (h *Handler) answer(x *exchange, answered *graphql.Response, status int) {
	if x.status != 0 {
		return // the head is written: a panic came later
	}
	events := x.media == mediaEvents && status == 0
	if status == 0 {
		status = http.StatusOK
		if len(answered.Data) == 0 && len(answered.Errors) > 0 && x.media == mediaResponse {
			code, _ := answered.Errors[0].Extensions["code"].(string)
			status = statusOf(code)
		}
	}
	most := maxFieldErrors
	if len(answered.Data) == 0 {
		most = maxErrors
	}
	answered.Errors = answered.Errors[:min(len(answered.Errors), most)]
	x.status, x.codes = status, codesOf(answered.Errors)
	if h.config.ErrorNames {
		for _, e := range answered.Errors {
			if code, ok := e.Extensions["code"].(string); ok {
				e.Extensions["name"] = nameOf(code)
			}
		}
	}
	if h.config.CompleteError != nil {
		for _, e := range answered.Errors {
			h.config.CompleteError(e)
		}
	}
	extensions := map[string]any{"cost": h.cost(x, answered.Errors)}
	for name, value := range answered.Extensions {
		if name != "cost" {
			extensions[name] = value
		}
	}
	answered.Extensions = extensions

	body, err := encode(answered)
	if err != nil {
		h.config.Logger.ErrorContext(x.r.Context(), "cannot write the response", "error", err)
		x.status = http.StatusInternalServerError
		body = []byte(`{"errors":[{"message":"internal error","extensions":{"code":"` + codeInternal + `"}}]}`)
	}
	header := x.w.Header()
	switch {
	case events:
		body = slices.Concat([]byte("event: next\ndata: "), body, []byte("\n\nevent: complete\ndata:\n\n"))
	case x.media == mediaEvents: // a request that was not read
		x.media = mediaJSON
	}
	header.Set("Content-Type", x.media+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "private, no-store")
	header.Add("Vary", "Accept")
	// The deadline is for this answer only: the connection may carry others after it.
	control := http.NewResponseController(x.w)
	_ = control.SetWriteDeadline(time.Now().Add(h.config.Limits.WriteTime))
	x.w.WriteHeader(x.status)
	_, _ = x.w.Write(body) // a disconnected client needs no answer
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{})
}

// cost is the cost in an answer.
func (h *Handler) cost(x *exchange, errs []*gqlerrors.QueryError) cost {
	c := cost{x.requested, &x.actual, throttle{Maximum: int64(h.config.Limits.Budget), Restore: int64(h.config.Limits.Restore)}}
	if x.budget != nil {
		c.Throttle = h.budgets.status(x.budget)
	}
	if h.config.Throttled != "" && slices.Equal(x.codes, []string{codeThrottled}) {
		errs[0].Message, c.Actual = h.config.Throttled, nil
	}
	return c
}

// encode writes an answer. The data is already JSON and is not parsed again: it is by far the largest part.
func encode(answered *graphql.Response) ([]byte, error) {
	head, err := plainJSON(struct {
		Errors     []*gqlerrors.QueryError `json:"errors,omitempty"`
		Extensions map[string]any          `json:"extensions"`
	}{answered.Errors, answered.Extensions})
	if err != nil || len(answered.Data) == 0 {
		return head, err
	}
	body := make([]byte, 0, len(head)+len(answered.Data)+len(`{"data":,`))
	body = append(body, `{"data":`...)
	body = append(body, answered.Data...)
	body = append(body, ',')
	return append(body, head[1:]...), nil
}

// plainJSON does not escape <, > and &: responses are not embedded in HTML.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func codesOf(errs []*gqlerrors.QueryError) []string {
	var codes []string
	for _, e := range errs {
		if code, _ := e.Extensions["code"].(string); !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// secure sets the header fields of every answer.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
}
