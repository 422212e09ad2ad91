package asof_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

const always = `interval: {from: "1970-01-01T00:00:00Z", to: "2199-12-31T23:59:59Z"}`

// The questions: documents, in which $ is where the argument asOf goes, and exports.
var questions = []string{
	`{ closedConversations(` + always + `, first: 100 $) { totalCount position pageInfo { endCursor hasNextPage } edges { cursor node { ` + conversation + ` } } } }`,
	`{ searchClosedConversations(` + always + `, last: 5, orderBy: CLOSED_AT_DESC $) { totalCount edges { cursor node { conversation { id } satisfactionSurvey { customerSatisfaction comment } conversions { transactions { transactionId } } } } } }`,
	`{ closedConversations(` + always + `, contactFilters: {statuses: [ANSWERED]} $) { totalCount edges { node { id } } } }`,
	`{ contacts(` + always + `, first: 100 $) { totalCount leftOut edges { cursor node { id status startedAt endedAt durationMs ending waitTimeMs operator { id kind name } conversation { id closedAt lastSequence } } } } }`,
	figures,
	`{ metrics(` + always + `, groupBy: [TAG, OPERATOR] $) { buckets { dimensions { name value } closedConversations contacts transferredContacts } } }`,
	`{ metrics(` + always + `, step: MONTH $) { total { createdConversations openAtEnd unattendedAtEnd snoozedAtEnd reopenings } } }`,
	`{ closedConversations(` + always + `, first: 100, orderBy: CLOSED_AT_DESC $) { totalCount edges { cursor node { id closedAt lastSequence eventCount handleTimeMs tags { id } conversions { transactions { transactionId amount } } } } } }`,
	`{ explain(conversationId: "` + string(explained.Conversation) + `", projectId: 2 $) { conversation { id closedAt } events { sequence id time type receivedAt } values { name value sequences } contacts { id values { name value sequences } } } }`,
	"conversations?format=ndjson", "conversations?format=csv&from=2001-01-01T00:00:00Z&to=2199-01-01T00:00:00Z", "contacts?format=csv", "contacts?format=ndjson&answered=true", "transactions?format=ndjson",
	"contacts?format=parquet", "transactions?format=parquet",
}

var explained = foldtest.Conversation(2, 4)

const (
	conversation = `id project { id } createdAt closedAt durationMs channel language initiator visitor { id firstName email } campaign { id } customData { key value }
		contactCount reopenCount anomalyCount answered automationLevel abandoned firstResponseTimeMs resolutionTimeMs handleTimeMs snoozeTimeMs
		visitorMessageCount operatorMessageCount satisfactionSurvey { customerSatisfaction netPromoterScore comment } tags { id name } revenue { currency amount }
		users { id kind name } routingEvents { createdAt } eventCount firstSequence lastSequence
		contacts { id ordinal status ending visitorMessageCount } conversions { transactions { transactionId amount } }
		messages(first: 50) { totalCount edges { cursor node { id createdAt ... on ChatMessage { text readAt deletedAt author { kind id } } } } }`
	figures = `{ metrics(` + always + `, groupBy: [CHANNEL] $) { position total { closedConversations } buckets { dimensions { name value } closedConversations abandonedConversations reopenedConversations
		visitorMessages operatorMessages transactions surveyAnswers npsAnswers contacts answeredContacts unansweredContacts answerRate csat nps revenue { currency amount }
		wait { meanMs } handle { meanMs medianMs } createdConversations openAtEnd } } }`
)

// moment is a position with the answers given there.
type moment struct {
	position string
	answers  []string
	erased   bool // something of it was erased since
}

func at(document, position string) string {
	if export(document) {
		return document + "&asOf=" + position
	}
	return strings.ReplaceAll(document, "$", fmt.Sprintf(", asOf: %q", position))
}

func now(document string) string { return strings.ReplaceAll(document, "$", "") }

// note asks everything as of now.
func (r *rig) note(t *testing.T) moment {
	t.Helper()
	var m moment
	for _, q := range questions {
		m.answers = append(m.answers, r.ask(t, now(q)))
	}
	m.position = r.position(t)
	return m
}

func (r *rig) position(t *testing.T) string {
	t.Helper()
	var answer struct{ Metrics struct{ Position string } }
	if err := json.Unmarshal([]byte(r.ask(t, now(figures))), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Metrics.Position
}

// check asks everything again as of each moment.
func (r *rig) check(t *testing.T, when string, moments []moment) {
	t.Helper()
	for n, m := range moments {
		for i, q := range questions {
			if m.erased && !anonymous(q) {
				continue
			}
			if got := r.ask(t, at(q, m.position)); got != m.answers[i] {
				t.Fatalf("%s, moment %d, %s\n%s\nwas %s", when, n, q, got, m.answers[i])
			}
		}
	}
}

// anonymous reports whether an erasure leaves the answer as it is.
func anonymous(question string) bool {
	return !slices.ContainsFunc([]string{"visitor", "comment", "receivedAt", "conversations?"}, func(word string) bool { return strings.Contains(question, word) })
}

// TestAnswersAsOfAPositionAreThoseGivenThere lets a random stream arrive in pieces, asks in between, and
// asks again as of each of those positions: later, after erasures and replays, and without any memory.
func TestAnswersAsOfAPositionAreThoseGivenThere(t *testing.T) {
	r := newRig(t)
	dice := foldtest.Seeded(19)
	events := foldtest.Stream(dice, 60)
	moments := []moment{r.note(t)} // of the empty log
	erase := func(conversation int) {
		r.eraseConversation(t, schema.ConversationKey{Project: schema.ProjectID(1 + conversation%3), Conversation: foldtest.Conversation(1, conversation).Conversation})
		for i := range moments {
			moments[i].erased = true
		}
	}
	for len(events) > 0 {
		n := min(len(events), 1+dice.IntN(400))
		r.append(t, events[:n]...)
		events = events[n:]
		moments = append(moments, r.note(t))
		switch len(moments) {
		case 4, 7, 10:
			r.check(t, "meanwhile", moments[len(moments)/2:])
		case 5, 6:
			erase(len(moments))
		}
	}
	r.restart(t)
	r.check(t, "after a restart", moments)

	if _, err := r.rebuild.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.check(t, "after a replay", moments)

	for n := range 10 {
		erase(n)
	}
	r.check(t, "after erasures", moments)
	if _, err := r.rebuild.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.restart(t)
	r.check(t, "after erasures and a replay", moments)
}

// TestAPositionThatIsNoneIsRefused names the argument, and says what it may be.
func TestAPositionThatIsNoneIsRefused(t *testing.T) {
	r := newRig(t)
	r.append(t, foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 1_700_000_000_000)...)
	for value, rule := range map[string]string{
		"":                     "must be a position from an earlier response, or a time",
		"yesterday":            "must be a position from an earlier response, or a time",
		"cDEuenp6enp6":         "must not be above the present position",
		"2199-01-01T00:00:00Z": "must not be in the future",
	} {
		for _, q := range questions {
			_, err := r.try(t, at(q, value))
			if err == nil || !strings.Contains(err.Error(), "asOf: "+rule) {
				t.Errorf("%q: %v, want %q", value, err, rule)
			}
		}
	}
	id := string(foldtest.Conversation(1, 1).Conversation)
	if _, err := r.try(t, fmt.Sprintf(`{ conversation(id: %q, asOf: %q) { customer { id } } }`, id, r.position(t))); err == nil || !strings.Contains(err.Error(), "asOf: does not apply to customer") {
		t.Errorf("customer: %v", err)
	}
}

// TestATimeIsTheLastPositionOfThatTime asks as of the moment at which the log took an event, and of the one before.
func TestATimeIsTheLastPositionOfThatTime(t *testing.T) {
	r := newRig(t)
	key := foldtest.Conversation(1, 1)
	events := foldtest.Realistic(foldtest.Seeded(3), key, 1_700_000_000_000)
	ask := func(asOf string) string {
		return r.ask(t, fmt.Sprintf(`{ conversation(id: %q, asOf: %q) { eventCount lastSequence closedAt } }`, key.Conversation, asOf))
	}
	var times, answers []string
	for _, e := range events {
		r.append(t, e)
		times = append(times, r.log.taken.Format("2006-01-02T15:04:05.000Z"))
		answers = append(answers, r.ask(t, fmt.Sprintf(`{ conversation(id: %q) { eventCount lastSequence closedAt } }`, key.Conversation)))
	}
	for i := range times {
		if got := ask(times[i]); got != answers[i] {
			t.Errorf("as of %s: %s, was %s", times[i], got, answers[i])
		}
	}
}
