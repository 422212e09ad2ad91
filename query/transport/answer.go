package transport

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"
)

// refuse answers without data.
func (h *Handler) refuse(x *exchange, r *refusal) {
	if r.wait > 0 {
		seconds := int64((r.wait + time.Second - 1) / time.Second)
		x.w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	h.answer(x, &graphql.Response{Errors: []*gqlerrors.QueryError{r.queryError()}}, r.status)
}

// answer writes an answer. Status 0 leaves it to the media type.
func (h *Handler) answer(x *exchange, answered *graphql.Response, status int) {
	if x.status != 0 {
		return // the head is written: a panic came later
	}
	if status == 0 {
		status = http.StatusOK
		if len(answered.Data) == 0 && len(answered.Errors) > 0 && x.media == mediaResponse {
			code, _ := answered.Errors[0].Extensions["code"].(string)
			status = statusOf(code)
		}
	}
	x.status, x.codes = status, codesOf(answered.Errors)
	x.cost.Throttle = throttle{Maximum: int64(h.config.Limits.Budget), Restore: int64(h.config.Limits.Restore)}
	if x.budget != nil {
		x.cost.Throttle = h.budgets.status(x.budget)
	}
	extensions := map[string]any{"cost": x.cost}
	for name, value := range answered.Extensions {
		if name != "cost" {
			extensions[name] = value
		}
	}
	answered.Extensions = extensions

	body, err := json.Marshal(answered)
	if err != nil {
		h.config.Logger.ErrorContext(x.r.Context(), "answer cannot be written", "error", err)
		x.status = http.StatusInternalServerError
		body = []byte(`{"errors":[{"message":"internal error","extensions":{"code":"` + codeInternal + `"}}]}`)
	}
	header := x.w.Header()
	header.Set("Content-Type", x.media+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "private, no-store")
	header.Add("Vary", "Accept")
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(h.config.Limits.WriteTime))
	x.w.WriteHeader(x.status)
	_, _ = x.w.Write(body) // a reader that left needs no answer
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

// secure sets the header fields that every answer has.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
}
