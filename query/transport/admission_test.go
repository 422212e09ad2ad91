package transport_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/query/transport"
)

func TestOneCredentialNeverTakesAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *transport.Config) { c.Together = 4 })
		answers := make(chan *answer, 9)
		for range 8 {
			go func() { answers <- r.post(`{ wait }`, nil) }()
		}
		synctest.Wait()
		if n := len(r.toy.waiting); n != 2 {
			t.Errorf("%d of 4 places are one credential's", n)
		}
		if a := r.post(`{ echo }`, nil, fields("X-Api-Id: other")); a.code() != "" {
			t.Errorf("another credential: %s", a.raw)
		}
		close(r.toy.release)
		for range 8 {
			if a := <-answers; a.code() != "" {
				t.Error(a.raw)
			}
		}
	})
}

func TestWhoHoldsLessIsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *transport.Config) { c.Together, c.Authenticator = 4, anybody{} })
		ask := func(caller string, n int) {
			for range n {
				go r.post(`{ wait }`, nil, fields("X-Api-Id: "+caller))
			}
			synctest.Wait()
		}
		ask("a", 3) // two run, one waits
		ask("b", 3)
		last := make(chan *answer, 1)
		go func() { last <- r.post(`{ echo }`, nil, fields("X-Api-Id: c")) }()
		synctest.Wait()
		if n := len(r.toy.waiting); n != 4 || len(last) != 0 {
			t.Fatalf("%d run", n)
		}
		r.toy.release <- struct{}{} // one of the four ends
		synctest.Wait()
		if len(last) != 1 {
			t.Error("c came last, and had to wait for others that hold something")
		}
		close(r.toy.release)
	})
}

func TestTheQueueOfAllCredentialsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *transport.Config) {
			c.Together, c.Limits.Waiting, c.Limits.MaxWait, c.Authenticator = 1, 1, time.Minute, anybody{}
		})
		for i := range 5 { // one runs, four wait
			go r.post(`{ wait }`, nil, fields("X-Api-Id: "+string(rune('a'+i))))
			synctest.Wait()
		}
		if a := r.post(`{ echo }`, nil, fields("X-Api-Id: z")); a.code() != "THROTTLED" || a.header.Get("Retry-After") == "" {
			t.Error(a.raw)
		}
		close(r.toy.release)
	})
}

// stuck is a client that reads nothing until released.
type stuck struct {
	*httptest.ResponseRecorder
	read chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	<-s.read
	return s.ResponseRecorder.Write(p)
}

// An answer takes memory until it is sent, not the place of a request.
func TestSlowReadersHoldOnlyTheirAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *transport.Config) { c.Together, c.Limits.AnswerBytes, c.Limits.MaxWait = 4, 1<<20, time.Second })
		slow := func(document string) stuck {
			w := stuck{httptest.NewRecorder(), make(chan struct{})}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(marshal(t, map[string]any{"query": document})))
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("X-Api-Id", "reader")
			go r.handler.ServeHTTP(w, request)
			synctest.Wait()
			return w
		}
		var readers []stuck
		for range 20 {
			readers = append(readers, slow(`{ echo }`))
		}
		if a := r.post(`{ echo }`, nil); a.code() != "" {
			t.Errorf("beside small answers: %s", a.raw)
		}
		// Two megabytes are all that answers of one credential may take.
		large := "{" + repeat(50, func(i int) string {
			return " a" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ": long"
		}) + " }"
		for range 2 {
			readers = append(readers, slow(large))
		}
		if a := r.post(`{ echo }`, nil); a.code() != "THROTTLED" {
			t.Errorf("beside large answers: %s", a.raw)
		}
		if a := r.post(`{ echo }`, nil, fields("X-Api-Id: other")); a.code() != "" {
			t.Errorf("another credential: %s", a.raw)
		}
		for _, w := range readers {
			close(w.read)
		}
		synctest.Wait()
		if a := r.post(`{ echo }`, nil); a.code() != "" {
			t.Errorf("when they are sent: %s", a.raw)
		}
	})
}

// dear blocks like wait and may cost more than comes back in a second.
const dear = `{ wait page(first: 100) { nodes { id } } }`

func newDearRig(t *testing.T, together int) *rig {
	t.Helper()
	return newRig(t, func(c *transport.Config) {
		c.Together, c.Authenticator, c.Limits.Restore, c.Limits.MaxWait = together, anybody{}, 50, 10*time.Second
	})
}

func TestACredentialRunsOneExpensiveRequestAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newDearRig(t, 16)
		answers := make(chan *answer, 8)
		for range 8 {
			go func() { answers <- r.post(dear, nil, fields("X-Api-Id: a")) }()
		}
		synctest.Wait()
		if n := len(r.toy.waiting); n != 1 {
			t.Fatalf("%d expensive requests of one credential run", n)
		}
		began := time.Now()
		if a := r.post(`{ echo }`, nil, fields("X-Api-Id: a")); a.code() != "" || time.Since(began) > 0 {
			t.Errorf("a cheap one beside them: %s after %v", a.raw, time.Since(began))
		}
		go r.post(dear, nil, fields("X-Api-Id: b"))
		synctest.Wait()
		if n := len(r.toy.waiting); n != 2 {
			t.Errorf("%d run when another credential has an expensive one too", n)
		}
		r.toy.release <- struct{}{}
		r.toy.release <- struct{}{}
		synctest.Wait()
		if n := len(r.toy.waiting); n != 3 {
			t.Errorf("%d ran when the first two ended", n)
		}
		if a := <-answers; a.code() != "" {
			t.Error(a.raw)
		}
		// Seven are left: one runs, the others give up after 10 s.
		for range 6 {
			if a := <-answers; a.code() != "THROTTLED" || a.header.Get("Retry-After") == "" {
				t.Errorf("%s, Retry-After %q", a.raw, a.header.Get("Retry-After"))
			}
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("they waited %v", took)
		}
		close(r.toy.release)
		if a := <-answers; a.code() != "" {
			t.Error(a.raw)
		}
	})
}

func TestExpensiveRequestsLeaveHalfOfThePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newDearRig(t, 4)
		for _, caller := range []string{"a", "b", "c", "d"} {
			go r.post(dear, nil, fields("X-Api-Id: "+caller))
		}
		synctest.Wait()
		if n := len(r.toy.waiting); n != 2 {
			t.Errorf("%d expensive requests take the 4 places", n)
		}
		began := time.Now()
		if a := r.post(`{ echo }`, nil, fields("X-Api-Id: e")); a.code() != "" || time.Since(began) > 0 {
			t.Errorf("a cheap one: %s after %v", a.raw, time.Since(began))
		}
		close(r.toy.release)
	})
}
