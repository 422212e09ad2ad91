package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// table is an answer in a form in which all answers can be compared: numbers by what they are of.
type table map[string][]float64

// compare reports where a table differs from the one that is right.
func (got table) compare(t *testing.T, what string, want table) {
	t.Helper()
	for key, numbers := range want {
		if len(got[key]) != len(numbers) {
			t.Errorf("%s: %s is %v, want %v", what, key, got[key], numbers)
			continue
		}
		for n := range numbers {
			if math.Abs(got[key][n]-numbers[n]) > 1e-3+1e-9*math.Abs(numbers[n]) {
				t.Errorf("%s: %s is %v, want %v", what, key, got[key], numbers)
			}
		}
	}
	for key := range got {
		if _, known := want[key]; !known {
			t.Errorf("%s: %s is %v, and should not be there", what, key, got[key])
		}
	}
}

// at follows members of objects.
func at(v any, path ...string) any {
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

func list(v any, path ...string) []map[string]any {
	var rows []map[string]any
	found, _ := at(v, path...).([]any)
	for _, row := range found {
		rows = append(rows, row.(map[string]any))
	}
	return rows
}

func number(v any, path ...string) float64 {
	n, _ := at(v, path...).(json.Number)
	f, _ := n.Float64()
	return f
}

// label writes the value of a dimension.
func label(v any, path ...string) string { return fmt.Sprint(at(v, path...)) }

// dimensionsOf are the values of a bucket.
func dimensionsOf(bucket map[string]any) string {
	var values []string
	for _, d := range list(bucket, "dimensions") {
		values = append(values, label(d, "value"))
	}
	return strings.Join(values, " ")
}

// recipe is a task of the cookbook: how its answers become tables, and what is right.
type recipe struct {
	title   string
	graphQL func(data map[string]any) table
	sql     func(rows []map[string]any) table
	count   func(d *demonstrated) table
}

func recipes() []recipe {
	return []recipe{
		{"1. CSAT by operator", func(data map[string]any) table {
			got := table{}
			for _, b := range list(data, "metrics", "buckets") {
				if operator := dimensionsOf(b); number(b, "surveyAnswers") > 0 && operator != "<nil>" { // nobody had a contact
					got[operator] = []float64{number(b, "surveyAnswers"), number(b, "csat")}
				}
			}
			return got
		}, by("operator_id", "survey_answers", "csat"), (*demonstrated).csat},
		{"2. First response by channel, weekday and hour", func(data map[string]any) table {
			got := table{}
			for _, b := range list(data, "metrics", "buckets") {
				if d := at(b, "contactFirstResponse"); number(d, "count") > 0 {
					got[dimensionsOf(b)] = []float64{number(d, "count"), number(d, "medianMs"), number(d, "p90Ms")}
				}
			}
			return got
		}, by("channel weekday hour", "responses", "median_ms", "p90_ms"), (*demonstrated).firstResponses},
		{"3. Bot containment", func(data map[string]any) table {
			of := map[string]float64{}
			for _, b := range list(data, "metrics", "buckets") {
				of[dimensionsOf(b)] = number(b, "closedConversations")
			}
			contained, all := of["FULLY_AUTOMATED"], number(data, "metrics", "total", "closedConversations")
			return table{"": {contained, all, contained / all}}
		}, by("", "contained", "with_bot", "containment"), (*demonstrated).containment},
		{"4. Transfer chains", func(data map[string]any) table {
			got := table{}
			for _, cell := range list(data, "transfers") {
				got[label(cell, "from", "value")+" "+label(cell, "to", "value")] = []float64{number(cell, "count")}
			}
			return got
		}, by("from_group to_group", "transfers"), (*demonstrated).transfers},
		{"5. Revenue per conversation by routing rule", func(data map[string]any) table {
			got := table{}
			for _, b := range list(data, "metrics", "buckets") {
				if rule := dimensionsOf(b); number(b, "closedConversations") > 0 && rule != "<nil>" {
					got[rule] = []float64{number(b, "closedConversations")}
					for _, money := range list(b, "revenuePerConversation") {
						got[rule+" "+label(money, "currency")] = []float64{number(money, "amount")}
					}
				}
			}
			return got
		}, func(rows []map[string]any) table {
			got := table{}
			for _, row := range rows {
				got[label(row, "routing_rule_id")] = []float64{number(row, "closed_conversations")}
				for currency := range at(row, "revenue_per_conversation").(map[string]any) {
					got[label(row, "routing_rule_id")+" "+currency] = []float64{number(row, "revenue_per_conversation", currency)}
				}
			}
			return got
		}, (*demonstrated).revenue},
		{"6. Snooze return", func(data map[string]any) table {
			total := at(data, "metrics", "total")
			return table{"": {
				number(total, "snoozedContacts"), number(total, "snoozeReturnRate"), number(total, "snoozeReturn", "count"),
				number(total, "snoozeReturn", "medianMs"), number(total, "snoozeReturn", "p90Ms"),
			}}
		}, by("", "snoozed", "return_rate", "returns", "median_ms", "p90_ms"), (*demonstrated).snoozes},
		{"7. Backlog at the end of each day", func(data map[string]any) table {
			got := table{}
			for _, b := range list(data, "metrics", "buckets") {
				from, _ := time.Parse(time.RFC3339, label(b, "from"))
				got[from.In(paris).Format(time.DateOnly)] = []float64{number(b, "openAtEnd")}
			}
			return got
		}, by("local_day", "open_at_end"), (*demonstrated).backlog},
		{"8. Reopened conversations against the others", func(data map[string]any) table {
			got := table{}
			for key, name := range map[string]string{"true": "reopened", "false": "others"} {
				total := at(data, name, "total")
				got[key] = []float64{number(total, "closedConversations"), number(total, "csat"), number(total, "handle", "medianMs")}
			}
			return got
		}, by("reopened", "closed_conversations", "csat", "median_handle_ms"), (*demonstrated).reopened},
		{"9. Share answered within 60 s in business hours", func(data map[string]any) table {
			share := list(data, "metrics", "total", "contactFirstResponse", "within")[0]
			return table{"": {number(share, "count"), number(share, "share")}}
		}, by("", "within", "share"), (*demonstrated).serviceLevel},
		{"10. Concurrency per agent", func(data map[string]any) table {
			got := table{}
			for _, b := range list(data, "concurrency", "buckets") {
				got[label(b, "value")] = []float64{number(b, "peak"), number(b, "handleTimeMs")}
			}
			return got
		}, by("operator_id", "peak", "handle_time_ms"), (*demonstrated).concurrency},
	}
}

// by reads rows by some columns, which a space separates.
func by(keys string, columns ...string) func([]map[string]any) table {
	return func(rows []map[string]any) table {
		got := table{}
		for _, row := range rows {
			var key []string
			for _, name := range strings.Fields(keys) {
				key = append(key, label(row, name))
			}
			numbers := make([]float64, len(columns))
			for i, name := range columns {
				numbers[i] = number(row, name)
			}
			got[strings.Join(key, " ")] = numbers
		}
		return got
	}
}

// TestTheCookbookAnswersLikeAnIndependentCount runs every block of the cookbook on the demo data that it names.
func TestTheCookbookAnswersLikeAnIndependentCount(t *testing.T) {
	text, err := os.ReadFile("../../query/COOKBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(of, language string) string {
		found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(of)
		if found == nil {
			t.Fatalf("no block of %s in\n%.200s", language, of)
		}
		return found[1]
	}
	i := start(t, t.TempDir())
	command := regexp.MustCompile("\nparley (demo .*)\n").FindStringSubmatch(string(text))
	if _, stderr, code := i.command(t, "", strings.Fields(command[1])...); code != 0 {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	chapters := map[string]string{}
	for _, chapter := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(chapter, "\n")
		chapters[title] = body
	}
	hours := filepath.Join(t.TempDir(), "hours.yaml")
	if err := os.WriteFile(hours, []byte(block(string(text), "yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := i.command(t, "", "hours", "set", "--project", "9999", "--file", hours); code != 0 {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	eventually(t, func() error {
		if stdout, _, code := i.command(t, "", "doctor"); code != 0 || !strings.Contains(stdout, ", about 0 records behind") {
			return fmt.Errorf("doctor: %s", stdout)
		}
		return nil
	})
	d := i.demonstrated(t)
	all := recipes()
	if len(chapters) != len(all) {
		t.Errorf("the cookbook has %d tasks, %d are run", len(chapters), len(all))
	}
	for _, r := range all {
		chapter, want := chapters[r.title], r.count(d)
		if len(want) == 0 {
			t.Errorf("%s: nothing to compare", r.title)
		}
		r.graphQL(i.graphQL(t, i.admin, block(chapter, "graphql"))).compare(t, r.title+", GraphQL", want)
		r.sql(i.sql(t, block(chapter, "sql"))).compare(t, r.title+", SQL", want)
	}
}

// demonstrated is the demo data of project 9999, row by row.
type demonstrated struct {
	conversations, contacts []map[string]any
	of                      map[string][]map[string]any // contacts by conversation, in order
	closes, pushes          map[string][]time.Time      // by conversation
}

func (i *instance) demonstrated(t *testing.T) *demonstrated {
	t.Helper()
	rows := func(name string) (all []map[string]any) {
		got := i.do(t, request{method: http.MethodGet, path: "/v1/export/" + name + "?projectIds=9999", key: &i.admin})
		if got.status != http.StatusOK {
			t.Fatalf("%s", got)
		}
		for line := range bytes.Lines(got.body) {
			decoder := json.NewDecoder(bytes.NewReader(line))
			decoder.UseNumber()
			row := map[string]any{}
			if err := decoder.Decode(&row); err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
		return all
	}
	d := &demonstrated{
		conversations: rows("conversations"), contacts: rows("contacts"),
		of: map[string][]map[string]any{}, closes: map[string][]time.Time{}, pushes: map[string][]time.Time{},
	}
	for _, k := range d.contacts {
		id := label(k, "conversation_id")
		d.of[id] = append(d.of[id], k)
	}
	for _, of := range d.of {
		slices.SortFunc(of, func(a, b map[string]any) int { return int(number(a, "ordinal") - number(b, "ordinal")) })
	}
	for _, e := range i.sql(t, `SELECT conversation_id, type, time FROM parley.events
		WHERE project_id = 9999 AND type IN ('parley.conversation.pushed.v1', 'parley.conversation.closed.v1') ORDER BY time`) {
		times := d.pushes
		if strings.Contains(label(e, "type"), "closed") {
			times = d.closes
		}
		times[label(e, "conversation_id")] = append(times[label(e, "conversation_id")], *moment(e, "time"))
	}
	return d
}
