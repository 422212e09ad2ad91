package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
)

// Subscriptions answers subscriptions.
//
// Subscribe sends events until either side ends the stream. An error is returned only if nothing was sent; one with the method
// Status is shown with that status, [Refused] as it is, any other one is a fault.
type Subscriptions interface {
	Executor
	Subscribe(w http.ResponseWriter, r *http.Request, o Operation) error
}

// Operation is a subscription within the limits.
type Operation struct {
	Caller schema.Caller
	// Key is the same for operations that answer the same to callers with the same rights.
	Key string
	// Run answers one event, and charges the caller for it. It waits while the budget is spent.
	Run func(context.Context) *graphql.Response
}

// Refused are the errors of a subscription that does not begin.
type Refused struct{ *graphql.Response }

// Error names the reason.
func (r Refused) Error() string { return r.Errors[0].Error() }

// subscribe hands a subscription over.
func (h *Handler) subscribe(x *exchange, d *document, given map[string]any, weights map[meter.Field]meter.Weight) *refusal {
	names := map[string]bool{}
	d.answers(d.operation.SelectionSet, names)
	if len(names) != 1 {
		return &refusal{code: codeValidation, message: "a subscription must select one field at its top"}
	}
	text, variables, refused := h.coercion.rewrite(d, given)
	if refused != nil {
		return refused
	}
	values, err := json.Marshal(variables)
	if err != nil {
		panic(err) // they come from JSON or from literals
	}
	o := Operation{Caller: x.caller, Key: x.operation.name + "\x00" + text + "\x00" + string(values)}
	o.Run = func(ctx context.Context) *graphql.Response {
		if err := h.afford(ctx, x.budget); err != nil {
			return failed(h.cut(err))
		}
		ctx, cancel := context.WithTimeout(ctx, h.config.Limits.Time)
		defer cancel()
		m := meter.New(meter.Limits{Answer: h.config.Limits.AnswerBytes, Loaded: h.config.Limits.loadedBytes()}, weights)
		answered := completed(h.config.Subscriptions.Exec(meter.With(ctx, m), text, x.operation.name, variables))
		if cause := m.Cause(); cause != nil {
			answered = failed(h.cut(cause))
		}
		h.budgets.settle(x.budget, -m.Points())
		return answered
	}
	err = h.config.Subscriptions.Subscribe(x.w, x.r, o)
	var known interface{ Status() (int, string) }
	var unread Refused
	switch {
	case err == nil:
		x.status = http.StatusOK
	case errors.As(err, &unread):
		h.answer(x, unread.Response, 0)
	case errors.As(err, &known):
		status, code := known.Status()
		return &refusal{code: code, message: err.Error(), status: status}
	case x.r.Context().Err() == nil:
		h.config.Logger.ErrorContext(x.r.Context(), "subscription failed", "error", err)
		return &refusal{code: codeUnavailable, message: "the tables cannot be read now", status: http.StatusServiceUnavailable, wait: time.Second}
	}
	return nil
}

// answers collects the names that a valid selection answers with.
func (d *document) answers(set ast.SelectionSet, names map[string]bool) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			names[s.Alias] = true
		case *ast.InlineFragment:
			d.answers(s.SelectionSet, names)
		case *ast.FragmentSpread:
			d.answers(d.fragments[s.Name].SelectionSet, names)
		}
	}
}

func failed(r *refusal) *graphql.Response {
	return &graphql.Response{Errors: []*gqlerrors.QueryError{r.queryError()}}
}

// afford waits until a credential has points.
func (h *Handler) afford(ctx context.Context, of *budget) error {
	for {
		wait, ok := h.budgets.take(of, 0)
		if ok {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
