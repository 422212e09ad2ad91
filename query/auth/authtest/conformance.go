// Package authtest says what a store of credentials must do, for every
// implementation alike, and has one in memory.
package authtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// Store runs the conformance suite. open returns an empty store; the tests use
// a new one each.
func Store(t *testing.T, open func(t *testing.T) auth.Store) {
	t.Helper()
	t.Run("AMissingRecordIsNotFound", func(t *testing.T) {
		if _, err := open(t).Get(t.Context(), "credential.key_none"); !errors.Is(err, auth.ErrNotFound) {
			t.Fatalf("err = %v, want ErrNotFound", err)
		}
	})
	t.Run("WhatWasWrittenIsRead", func(t *testing.T) {
		s := open(t)
		for _, value := range [][]byte{{'{', 0, 0xff, '}'}, {'x'}} {
			write(t, s, "credential.key_Az09-_", value)
			if got, err := s.Get(t.Context(), "credential.key_Az09-_"); err != nil || !bytes.Equal(got, value) {
				t.Fatalf("Get = %q, %v; want %q", got, err, value)
			}
		}
	})
	t.Run("AnUpdateSeesWhatIsThere", func(t *testing.T) {
		s := open(t)
		var seen []string
		failure := errors.New("no")
		for _, step := range []struct {
			after []byte
			err   error
		}{{nil, nil}, {nil, failure}, {[]byte("1"), nil}, {nil, nil}, {[]byte("2"), failure}, {[]byte("1"), nil}, {[]byte("2"), nil}} {
			err := s.Update(t.Context(), "k.a", func(before []byte) ([]byte, error) {
				seen = append(seen, fmt.Sprintf("%q %t", before, before == nil))
				return step.after, step.err
			})
			if !errors.Is(err, step.err) {
				t.Fatalf("err = %v, want %v", err, step.err)
			}
		}
		want := []string{`"" true`, `"" true`, `"" true`, `"1" false`, `"1" false`, `"1" false`, `"1" false`}
		if !slices.Equal(seen, want) {
			t.Errorf("updates saw %v, want %v", seen, want)
		}
		if got, err := s.Get(t.Context(), "k.a"); err != nil || string(got) != "2" {
			t.Errorf("Get = %q, %v", got, err)
		}
	})
	t.Run("ADeletedRecordIsGoneAndCanBeMadeAgain", func(t *testing.T) {
		s := open(t)
		write(t, s, "k.a", []byte("1"))
		for range 2 {
			if err := s.Delete(t.Context(), "k.a"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Get(t.Context(), "k.a"); !errors.Is(err, auth.ErrNotFound) {
			t.Fatalf("err = %v, want ErrNotFound", err)
		}
		err := s.Update(t.Context(), "k.a", func(before []byte) ([]byte, error) {
			if before != nil {
				t.Errorf("a deleted record is %q", before)
			}
			return []byte("2"), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("ConcurrentUpdatesLoseNothing", func(t *testing.T) {
		s := open(t)
		const writers, updates = 8, 20
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range updates {
					err := s.Update(t.Context(), "signing", func(before []byte) ([]byte, error) { return append(bytes.Clone(before), 'x'), nil })
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		if got, err := s.Get(t.Context(), "signing"); err != nil || len(got) != writers*updates {
			t.Fatalf("%d updates are left of %d: %v", len(got), writers*updates, err)
		}
	})
	t.Run("AListHasThePrefixOnly", func(t *testing.T) {
		s := open(t)
		if found, err := s.List(t.Context(), "family."); err != nil || len(found) != 0 {
			t.Fatalf("List of an empty store = %q, %v", found, err)
		}
		for _, key := range []string{"family.b", "family.a", "familyx", "credential.c", "family.gone"} {
			write(t, s, key, []byte("value of "+key))
		}
		if err := s.Delete(t.Context(), "family.gone"); err != nil {
			t.Fatal(err)
		}
		for prefix, want := range map[string][]string{
			"family.": {"family.a", "family.b"},
			"":        {"credential.c", "family.a", "family.b", "familyx"},
		} {
			found, err := s.List(t.Context(), prefix)
			if err != nil || !slices.Equal(slices.Sorted(maps.Keys(found)), want) {
				t.Fatalf("List(%q) = %q, %v", prefix, found, err)
			}
			for key, value := range found {
				if string(value) != "value of "+key {
					t.Errorf("%s = %q", key, value)
				}
			}
		}
	})
}

func write(t *testing.T, s auth.Store, key string, value []byte) {
	t.Helper()
	if err := s.Update(t.Context(), key, func([]byte) ([]byte, error) { return value, nil }); err != nil {
		t.Fatal(err)
	}
}
