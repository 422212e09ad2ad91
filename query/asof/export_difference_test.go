package asof_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// row is a line of an export, as far as figures need it.
type row struct {
	Project      int    `json:"project_id"`
	Conversation string `json:"conversation_id"`

	CreatedAt           string  `json:"created_at"`
	ClosedAt            *string `json:"closed_at"`
	Abandoned           bool
	Reopens             int `json:"reopen_count"`
	VisitorMessages     int `json:"visitor_message_count"`
	OperatorMessages    int `json:"operator_message_count"`
	Transactions        int `json:"transaction_count"`
	Satisfaction, Score *int
	Wait                *int64 `json:"wait_time_ms"`
	FirstResponse       *int64 `json:"first_response_time_ms"`
	Resolution          *int64 `json:"resolution_time_ms"`
	Handle              *int64 `json:"handle_time_ms"`
	Duration            *int64 `json:"duration_ms"`

	StartedAt string `json:"started_at"`
	Status    string
	Ending    *string

	Currency string
	Amount   json.Number
}

// lines reads an export of a table as of a position.
func (r *rig) lines(t *testing.T, table, position string) []row {
	t.Helper()
	_, text, _ := strings.Cut(r.ask(t, table+"?format=ndjson&asOf="+position), "\n")
	var rows []row
	for line := range strings.Lines(text) {
		one := struct {
			row
			Satisfaction *int `json:"customer_satisfaction"`
			Score        *int `json:"net_promoter_score"`
		}{}
		read(t, line, &one)
		one.row.Satisfaction, one.row.Score = one.Satisfaction, one.Score
		rows = append(rows, one.row)
	}
	return rows
}

// ledger is figures by bucket and name, folded from exports by rules written down here once more.
type ledger struct {
	sums      map[string]int64 // counts, and amounts in ten-thousandths
	durations map[string][]int64
	whole     *ledger            // that of all conversations; nil if it is this one
	each      map[string]*ledger // by conversation
	reopened  map[string]int     // how often each was
}

func newLedger(whole *ledger) *ledger {
	return &ledger{map[string]int64{}, map[string][]int64{}, whole, map[string]*ledger{}, map[string]int{}}
}

// of is the ledger of a conversation alone, which adds to that of all.
func (l *ledger) of(r row) *ledger {
	if l.each[r.Conversation] == nil {
		l.each[r.Conversation] = newLedger(l)
	}
	return l.each[r.Conversation]
}

func (l *ledger) add(bucket, figure string, n int64) {
	l.sums[bucket+" "+figure] += n
	if l.whole != nil {
		l.whole.add(bucket, figure, n)
	}
}

func (l *ledger) count(bucket, figure string, n int) { l.add(bucket, figure, int64(n)) }

func (l *ledger) duration(bucket, figure string, ms *int64) {
	if ms == nil {
		return
	}
	l.durations[bucket+" "+figure] = append(l.durations[bucket+" "+figure], *ms)
	if l.whole != nil {
		l.whole.duration(bucket, figure, ms)
	}
}

// month is the bucket of a time of an export.
func month(t *testing.T, at string) string {
	t.Helper()
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.000"} {
		if parsed, err := time.Parse(layout, at); err == nil {
			return parsed.UTC().Format("2006-01")
		}
	}
	t.Fatalf("%q is not a time", at)
	return ""
}

func one(holds bool) int {
	if holds {
		return 1
	}
	return 0
}

// fold adds up the exports as of a position.
func (r *rig) fold(t *testing.T, position string) *ledger {
	t.Helper()
	all := newLedger(nil)
	closed := map[string]string{} // the bucket of a conversation
	for _, c := range r.lines(t, "conversations", position) {
		l := all.of(c)
		all.reopened[c.Conversation] = c.Reopens
		l.count(month(t, c.CreatedAt), "createdConversations", 1)
		if c.ClosedAt == nil {
			continue
		}
		b := month(t, *c.ClosedAt)
		closed[fmt.Sprint(c.Project, c.Conversation)] = b
		l.count(b, "closedConversations", 1)
		l.count(b, "abandonedConversations", one(c.Abandoned))
		l.count(b, "reopenedConversations", one(c.Reopens > 0))
		l.count(b, "visitorMessages", c.VisitorMessages)
		l.count(b, "operatorMessages", c.OperatorMessages)
		l.count(b, "transactions", c.Transactions)
		l.count(b, "converted", one(c.Transactions > 0))
		if s := c.Satisfaction; s != nil {
			l.count(b, "surveyAnswers", 1)
			l.count(b, "satisfied", one(*s >= 4))
		}
		if s := c.Score; s != nil {
			l.count(b, "npsAnswers", 1)
			l.count(b, "balance", one(*s >= 9)-one(*s <= 6))
		}
		l.duration(b, "conversationFirstResponse", c.FirstResponse)
		l.duration(b, "resolution", c.Resolution)
		l.duration(b, "handle", c.Handle)
		l.duration(b, "duration", c.Duration)
	}
	for _, k := range r.lines(t, "contacts", position) {
		l, b := all.of(k), month(t, k.StartedAt)
		l.count(b, "contacts", 1)
		l.count(b, "answeredContacts", one(k.Status == "ANSWERED"))
		l.count(b, "unansweredContacts", one(k.Status == "UNANSWERED"))
		l.count(b, "transferredContacts", one(k.Ending != nil && *k.Ending == "TRANSFERRED"))
		l.count(b, "snoozedContacts", one(k.Ending != nil && *k.Ending == "SNOOZED"))
		l.duration(b, "wait", k.Wait)
		l.duration(b, "contactFirstResponse", k.FirstResponse)
		l.duration(b, "contactDuration", k.Duration)
	}
	for _, s := range r.lines(t, "transactions", position) {
		if b, found := closed[fmt.Sprint(s.Project, s.Conversation)]; found {
			amount, err := decimal.NewFromString(s.Amount.String())
			if err != nil {
				t.Fatal(err)
			}
			l := all.of(s)
			l.add(b, "revenue "+s.Currency, amount.Shift(4).IntPart())
			l.count(b, "sales "+s.Currency, 1)
		}
	}
	return all
}

// The figures that exports are enough for.
var (
	folded = strings.Fields(`closedConversations abandonedConversations reopenedConversations visitorMessages operatorMessages transactions surveyAnswers npsAnswers
		contacts answeredContacts unansweredContacts transferredContacts snoozedContacts createdConversations`)
	foldedRates = map[string][3]string{ // part, whole and scale
		"answerRate": {"answeredContacts", "contacts", "1"}, "transferRate": {"transferredContacts", "contacts", "1"},
		"csat": {"satisfied", "surveyAnswers", "100"}, "nps": {"balance", "npsAnswers", "100"}, "conversionRate": {"converted", "closedConversations", "1"},
	}
	foldedDurations = strings.Fields(`wait contactFirstResponse contactDuration conversationFirstResponse resolution handle duration`)
	members         = map[string]float64{"medianMs": 0.5, "p90Ms": 0.9, "p95Ms": 0.95, "p99Ms": 0.99}
)

// figures are the figures of a bucket as texts.
func (l *ledger) figures(bucket string, currencies []string) map[string]string {
	all := map[string]string{}
	set := func(name string, value float64) { all[name] = digits(value) }
	sum := func(name string) float64 { return float64(l.sums[bucket+" "+name]) }
	over := func(part, whole float64) float64 {
		if whole == 0 {
			return math.NaN()
		}
		return part / whole
	}
	for _, name := range folded {
		set(name, sum(name))
	}
	for name, of := range foldedRates {
		scale, _ := strconv.ParseFloat(of[2], 64)
		set(name, over(sum(of[0]), sum(of[1]))*scale)
	}
	for _, currency := range currencies {
		revenue, sales := decimal.New(l.sums[bucket+" revenue "+currency], -4), l.sums[bucket+" sales "+currency]
		all["revenue "+currency] = revenue.String()
		if sales == 0 {
			all["averageOrderValue "+currency], all["revenuePerConversation "+currency] = "null", "null"
			continue
		}
		all["averageOrderValue "+currency] = revenue.DivRound(decimal.NewFromInt(sales), 4).String()
		all["revenuePerConversation "+currency] = revenue.DivRound(decimal.NewFromInt(l.sums[bucket+" closedConversations"]), 4).String()
	}
	for _, name := range foldedDurations {
		values := slices.Sorted(slices.Values(l.durations[bucket+" "+name]))
		set(name+".count", float64(len(values)))
		total := 0.0
		for _, v := range values {
			total += float64(v)
		}
		set(name+".meanMs", over(total, float64(len(values))))
		for member, level := range members {
			set(name+"."+member, math.NaN())
			if len(values) > 0 {
				rank := level * float64(len(values)-1)
				low := int(rank)
				next := values[min(low+1, len(values)-1)]
				set(name+"."+member, float64(values[low])+(rank-float64(low))*float64(next-values[low]))
			}
		}
	}
	return all
}

// digits writes a number as far as both sides compute it alike.
func digits(f float64) string {
	if math.IsNaN(f) {
		return "null"
	}
	return strconv.FormatFloat(f, 'g', 14, 64)
}

// valueOf writes a figure of an answer: amounts exactly.
func valueOf(t *testing.T, n *json.Number, amount bool) string {
	t.Helper()
	if n == nil {
		return "null"
	}
	exact, err := decimal.NewFromString(n.String())
	if err != nil {
		t.Fatal(err)
	}
	if amount {
		return exact.String()
	}
	return digits(exact.InexactFloat64())
}

// TestRestatementsAreTheDifferenceOfTwoExports folds the exports as of two positions into figures, and compares those that differ, and
// that all others do not. Conversations and events that caused them are those of the same exports and of the log.
func TestRestatementsAreTheDifferenceOfTwoExports(t *testing.T) {
	r := newRig(t)
	dice := foldtest.Seeded(29)
	events := foldtest.Stream(dice, 60)
	var moments []string
	var ends []schema.Sequence
	begun := map[schema.ConversationKey]bool{}
	for len(events) > 0 {
		n := min(len(events), 1+dice.IntN(120))
		r.append(t, events[:n]...)
		if len(moments)%3 == 0 { // of conversations that began before and go on: their events of before come again
			erased := 0
			for _, e := range events[n:] {
				if e.Type == schema.TypeMessage && begun[e.ConversationKey()] && erased < 2 {
					delete(begun, e.ConversationKey())
					r.eraseConversation(t, e.ConversationKey())
					erased++
				}
			}
		}
		for _, e := range events[:n] {
			begun[e.ConversationKey()] = begun[e.ConversationKey()] || e.Type == schema.TypeOpened
		}
		events = events[n:]
		moments, ends = append(moments, r.position(t)), append(ends, r.log.last)
	}
	compared, differing, off, erased := 0, 0, 0, 0
	for from := 2; from+1 < len(moments); from += 3 {
		to := min(from+1+from%4, len(moments)-1)
		since, until := moments[from], moments[to]
		before, after := r.fold(t, since), r.fold(t, until)
		buckets, currencies := namesOf(before, after)
		type pair struct{ before, after string }
		got := map[string]pair{}
		restatements := r.restated(t, since, until, ", step: MONTH").Restatements.Figures
		for _, f := range restatements {
			got[f.name(t)] = pair{valueOf(t, f.Before, f.Currency != nil), valueOf(t, f.After, f.Currency != nil)}
			if bucket := f.bucket(t); !slices.Contains(buckets, bucket) {
				buckets = append(buckets, bucket)
			}
		}
		known := map[string]bool{}
		for _, bucket := range buckets {
			was, is := before.figures(bucket, currencies), after.figures(bucket, currencies)
			for name := range is {
				compared++
				known[bucket+" "+name] = true
				found, restated := got[bucket+" "+name]
				differs := was[name] != is[name]
				if differs {
					differing++
				}
				if differs != restated || restated && found != (pair{was[name], is[name]}) {
					if off++; off <= 10 {
						t.Errorf("%s %s: restated %v from %v to %v; the exports have %v and %v", bucket, name, restated, found.before, found.after, was[name], is[name])
					}
				}
			}
		}
		restatements = slices.DeleteFunc(restatements, func(f restatement) bool { return !known[f.name(t)] })
		erased += r.checkCauses(t, restatements, before, after, r.between(t, ends[from], ends[to]), ends[from])
	}
	t.Logf("%d figures compared, %d differ, %d off", compared, differing, off)
	if compared < 100_000 || differing < 50 || off > 0 || erased == 0 {
		t.Errorf("%d figures compared, %d differ, %d off, with %d events of erasures", compared, differing, off, erased)
	}
}

// namesOf are the months of the question, as buckets, and the currencies.
func namesOf(ledgers ...*ledger) (buckets, currencies []string) {
	for _, l := range ledgers {
		for name := range l.sums {
			if words := strings.Fields(name); words[1] == "revenue" {
				currencies = append(currencies, words[2])
			}
		}
	}
	for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2200; at = at.AddDate(0, 1, 0) {
		buckets = append(buckets, at.Format("2006-01"))
	}
	slices.Sort(currencies)
	return buckets, slices.Compact(currencies)
}
