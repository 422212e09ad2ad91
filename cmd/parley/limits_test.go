package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/parley-analytics/parley/query/transport"
)

// parsedQuery reads the flags of `parley query`.
func parsedQuery(t *testing.T, arguments ...string) *queryCommand {
	t.Helper()
	var c queryCommand
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestLimitsOfQueriesAreTheDefaultsUnlessGiven(t *testing.T) {
	c := parsedQuery(t)
	if got := c.limits(); got != transport.DefaultLimits() {
		t.Errorf("%+v", got)
	}
}

// TestEveryLimitOfQueriesIsASetting sets each setting to a different value and finds
// all of them in the limits.
func TestEveryLimitOfQueriesIsASetting(t *testing.T) {
	var arguments []string
	flags := reflect.TypeFor[limitFlags]()
	for i := range flags.NumField() {
		value := fmt.Sprint(1001 + i)
		if flags.Field(i).Type.String() == "time.Duration" {
			value += "ns"
		}
		arguments = append(arguments, "--"+flagName(flags.Field(i).Name)+"="+value)
	}
	limits := reflect.ValueOf(parsedQuery(t, arguments...).limits())
	seen := map[int64]bool{}
	for i := range limits.NumField() {
		n := limits.Field(i).Int()
		if n < 1001 || n > 1000+int64(flags.NumField()) || seen[n] {
			t.Errorf("%s = %d has no setting of its own", limits.Type().Field(i).Name, n)
		}
		seen[n] = true
	}
	if limits.NumField() != flags.NumField() {
		t.Errorf("%d limits, %d settings", limits.NumField(), flags.NumField())
	}
}

// flagName is how kong writes the name of a member.
func flagName(member string) string {
	var name strings.Builder
	for i, r := range member {
		if i > 0 && r >= 'A' && r <= 'Z' {
			name.WriteByte('-')
		}
		name.WriteRune(r)
	}
	return strings.ToLower(name.String())
}

func TestLimitsThatRefuseEverythingAreUsageErrors(t *testing.T) {
	for _, limit := range []string{"depth: 0", "body-timeout: 0s", "aliases: -1", "budget: -3", "parallel: -3"} {
		for _, arguments := range [][]string{
			{"serve", "--config", settingsFile(t, "query: {limits: {"+limit+"}}")}, {"query", "--config", settingsFile(t, "query: {limits: {"+limit+"}}")},
			{"serve", "--query-timeout=0s"}, {"query", "--query-timeout=-3s"},
		} {
			if _, stderr, code := runHere(t, arguments...); code != exitUsage || !strings.Contains(stderr, "limits of queries") {
				t.Errorf("%s %v: exit %d, %q", limit, arguments, code, stderr)
			}
		}
	}
}
