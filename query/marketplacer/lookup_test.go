package marketplacer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// heldUp are lookups whose statements begin and end when a test says so.
type heldUp struct {
	lookups[string]
	begun chan query.Scope
	end   chan error
}

var errPanics = errors.New("panics")

func newHeldUp() *heldUp {
	h := &heldUp{begun: make(chan query.Scope), end: make(chan error)}
	h.read = func(_ context.Context, scope query.Scope, of []sellerKey) (map[sellerKey]string, error) {
		h.begun <- scope
		err := <-h.end
		if errors.Is(err, errPanics) {
			panic("in a statement")
		}
		found := map[sellerKey]string{}
		for _, key := range of {
			found[key] = "row of " + key.id
		}
		return found, err
	}
	return h
}

func TestLookupsThatWaitShareAStatement(t *testing.T) {
	h := newHeldUp()
	first := h.join(2, sellerKey{1, "a"})
	<-h.begun
	var shared *lookup[string]
	for _, key := range []sellerKey{{3, "c"}, {1, "b"}, {1, "b"}} {
		next := h.join(2, key)
		if next == first || shared != nil && next != shared {
			t.Fatalf("%v does not wait for the next statement", key)
		}
		shared = next
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, _, err := h.of(left, 2, sellerKey{1, "b"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that has ended: %v", err)
	}
	h.end <- nil
	<-first.done
	scope := <-h.begun
	if scope.Projection != 2 || scope.Projects.All || !slices.Equal(scope.Projects.IDs, []schema.ProjectID{1, 3}) {
		t.Errorf("the second statement has the scope %+v", scope)
	}
	h.end <- nil
	<-shared.done
	want := map[sellerKey]string{{1, "b"}: "row of b", {3, "c"}: "row of c"}
	if shared.err != nil || !maps.Equal(shared.found, want) || first.found[sellerKey{1, "a"}] != "row of a" {
		t.Errorf("%+v, then %+v, %v", first.found, shared.found, shared.err)
	}
}

func TestFailureOfALookupIsThatOfItsRequestsOnly(t *testing.T) {
	h := newHeldUp()
	for _, failure := range []error{errors.New("the tables are away"), errPanics} {
		failing := h.join(1, sellerKey{1, "a"})
		<-h.begun
		next := h.join(1, sellerKey{1, "a"})
		h.end <- failure
		<-failing.done
		if failing.err == nil {
			t.Errorf("%v: %v", failure, failing.err)
		}
		<-h.begun
		h.end <- nil
		if <-next.done; next.err != nil || len(next.found) != 1 {
			t.Errorf("after %v: %v", failure, next.err)
		}
	}
}
