// Package authtest says what a store of credentials must do, for every
// implementation alike, and has one in memory.
package authtest

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// Store runs the conformance suite. open gives an empty store; the tests use
// a new one each.
func Store(t *testing.T, open func(t *testing.T) auth.Store) {
	t.Helper()
	t.Run("AMissingRecordIsNotFound", func(t *testing.T) {
		if _, _, err := open(t).Get(t.Context(), "credential.key_none"); !errors.Is(err, auth.ErrNotFound) {
			t.Fatalf("err = %v, want ErrNotFound", err)
		}
	})
	t.Run("WhatWasPutIsRead", func(t *testing.T) {
		s := open(t)
		value := []byte{'{', 0, 0xff, '}'}
		put, err := s.Put(t.Context(), "credential.key_Az09-_", value, 0)
		if err != nil || put == 0 {
			t.Fatalf("Put = %d, %v", put, err)
		}
		got, revision, err := s.Get(t.Context(), "credential.key_Az09-_")
		if err != nil || !bytes.Equal(got, value) || revision != put {
			t.Fatalf("Get = %q at %d, %v; want %q at %d", got, revision, err, value, put)
		}
	})
	t.Run("AStaleRevisionConflicts", func(t *testing.T) {
		s := open(t)
		first := mustPut(t, s, "k.a", "1", 0)
		if _, err := s.Put(t.Context(), "k.a", []byte("x"), 0); !errors.Is(err, auth.ErrConflict) {
			t.Fatalf("creating an existing record: %v, want ErrConflict", err)
		}
		second := mustPut(t, s, "k.a", "2", first)
		if _, err := s.Put(t.Context(), "k.a", []byte("x"), first); !errors.Is(err, auth.ErrConflict) {
			t.Fatalf("writing at an old revision: %v, want ErrConflict", err)
		}
		if got, at, err := s.Get(t.Context(), "k.a"); err != nil || string(got) != "2" || at != second {
			t.Fatalf("Get = %q at %d, %v", got, at, err)
		}
	})
	t.Run("ADeletedRecordIsGoneAndCanBeMadeAgain", func(t *testing.T) {
		s := open(t)
		old := mustPut(t, s, "k.a", "1", 0)
		for range 2 {
			if err := s.Delete(t.Context(), "k.a"); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Get(t.Context(), "k.a"); !errors.Is(err, auth.ErrNotFound) {
			t.Fatalf("err = %v, want ErrNotFound", err)
		}
		if _, err := s.Put(t.Context(), "k.a", []byte("x"), old); !errors.Is(err, auth.ErrConflict) {
			t.Fatalf("writing a deleted record at its old revision: %v, want ErrConflict", err)
		}
		mustPut(t, s, "k.a", "2", 0)
	})
	t.Run("AListHasThePrefixOnly", func(t *testing.T) {
		s := open(t)
		if found, err := s.List(t.Context(), "family."); err != nil || len(found) != 0 {
			t.Fatalf("List of an empty store = %q, %v", found, err)
		}
		for _, key := range []string{"family.b", "family.a", "familyx", "credential.c", "family.gone"} {
			mustPut(t, s, key, "value of "+key, 0)
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
	t.Run("OneOfManyWritersWins", func(t *testing.T) {
		s := open(t)
		var won atomic.Int32
		var writers sync.WaitGroup
		for range 8 {
			writers.Go(func() {
				_, err := s.Put(t.Context(), "signing", []byte("1"), 0)
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, auth.ErrConflict):
					t.Errorf("err = %v, want ErrConflict", err)
				}
			})
		}
		writers.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d writers created the record", won.Load())
		}
	})
}

func mustPut(t *testing.T, s auth.Store, key, value string, revision uint64) uint64 {
	t.Helper()
	next, err := s.Put(t.Context(), key, []byte(value), revision)
	if err != nil {
		t.Fatal(err)
	}
	return next
}
