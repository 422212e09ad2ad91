package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

var cheap = cost{memory: 8, passes: 1, lanes: 1}

func TestHashVerifiesItsSecretOnly(t *testing.T) {
	h := newHasher(cheap)
	phc, err := h.hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Errorf("hash = %s", phc)
	}
	for secret, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		if ok, err := h.verify(t.Context(), secret, phc); err != nil || ok != want {
			t.Errorf("verify(%q) = %t, %v", secret, ok, err)
		}
	}
	again, err := h.hash(t.Context(), "correct horse")
	if err != nil || again == phc {
		t.Errorf("two hashes of one secret are equal (%v)", err)
	}
}

func TestHashesOfOtherParametersStayGood(t *testing.T) {
	old, err := newHasher(cost{memory: 16, passes: 2, lanes: 1}).hash(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := newHasher(cheap).verify(t.Context(), "x", old); err != nil || !ok {
		t.Error(ok, err)
	}
}

func TestDefaultParametersAreTheRecommendedOnes(t *testing.T) {
	if recommended != (cost{memory: 19 << 10, passes: 2, lanes: 1}) {
		t.Errorf("%+v", recommended)
	}
}

func TestDamagedHashesAreErrors(t *testing.T) {
	h := newHasher(cheap)
	good, err := h.hash(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	for name, phc := range map[string]string{
		"empty":           "",
		"argon2i":         strings.Replace(good, "argon2id", "argon2i", 1),
		"another version": strings.Replace(good, "v=19", "v=16", 1),
		"4 GiB":           strings.Replace(good, "m=8", "m=4194304", 1),
		"no passes":       strings.Replace(good, "t=1", "t=0", 1),
		"no lanes":        strings.Replace(good, "p=1", "p=0", 1),
		"cut off":         good[:len(good)-5],
		"no Base64":       good[:len(good)-1] + "*",
	} {
		if ok, err := h.verify(t.Context(), "x", phc); err == nil || ok {
			t.Errorf("%s: %t, %v", name, ok, err)
		}
	}
}

func TestOnlySoManyHashesRunAndWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(cheap)
		for range cap(h.running) {
			h.running <- struct{}{} // another check is running
		}
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error)
		for range cap(h.waiting) {
			go func() {
				_, err := h.hash(ctx, "x")
				results <- err
			}()
		}
		synctest.Wait()
		_, err := h.hash(t.Context(), "x")
		if refusal := Refusal(err); err == nil || refusal.Status != 503 || refusal.RetryAfter == 0 {
			t.Errorf("one more: %v", err)
		}
		cancel()
		for range cap(h.waiting) {
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
		}
		<-h.running
		if _, err := h.hash(t.Context(), "x"); err != nil {
			t.Errorf("with a free place: %v", err)
		}
	})
}

func TestRememberedSecretsAreBoundedAndTiedToTheirHash(t *testing.T) {
	r := newRemembered(2)
	verified := 0
	check := func(secret, phc string, right bool) {
		t.Helper()
		got, err := r.check(t.Context(), secret, phc, func(context.Context, string, string) (bool, error) { verified++; return right, nil })
		if err != nil || got != right {
			t.Errorf("%s with %s: %t, %v", secret, phc, got, err)
		}
	}
	for n, step := range []struct {
		secret, phc string
		right       bool
		verified    int
	}{
		{"a", "hash 1", true, 1},
		{"a", "hash 1", true, 1},
		{"a", "hash 2", false, 2},
		{"a", "hash 2", false, 3}, // a wrong one is not remembered
		{"b", "hash 1", true, 4},
		{"a", "hash 1", true, 4}, // used: b is the oldest now
		{"c", "hash 1", true, 5},
		{"a", "hash 1", true, 5},
		{"b", "hash 1", true, 6}, // it made room for c
	} {
		if check(step.secret, step.phc, step.right); verified != step.verified {
			t.Errorf("step %d: %d were verified, not %d", n, verified, step.verified)
		}
	}
	if r.entries.Len() != 2 {
		t.Errorf("%d are remembered", r.entries.Len())
	}
}

// TestASecretIsVerifiedOnceHoweverManyWait has more requests than may wait for a hash, and ends the first of them.
func TestASecretIsVerifiedOnceHoweverManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(cheap)
		phc, err := h.hash(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		for range cap(h.running) {
			h.running <- struct{}{} // another check is running
		}
		r, many := newRemembered(8), 10*cap(h.waiting)
		first, leave := context.WithCancel(t.Context())
		results := make(chan error)
		ask := func(ctx context.Context) {
			right, err := r.check(ctx, "x", phc, h.verify)
			if err == nil && !right {
				err = errors.New("the secret is right")
			}
			results <- err
		}
		go ask(first)
		synctest.Wait()
		for range many {
			go ask(t.Context())
		}
		synctest.Wait()
		leave()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that left: %v", err)
		}
		before := h.total.Load()
		<-h.running
		for range many {
			if err := <-results; err != nil {
				t.Fatal(err)
			}
		}
		if n := h.total.Load() - before; n != 1 {
			t.Errorf("%d hashes", n)
		}
	})
}

func BenchmarkArgon2id(b *testing.B) {
	h := newHasher(recommended)
	for b.Loop() {
		if _, err := h.hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}
