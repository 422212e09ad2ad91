package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

// addedHook is a webhook added with `parley webhook add`.
type addedHook struct {
	ID, URL string
	secret  string
}

func (i *instance) addHook(t *testing.T, source string, project int, secret string) addedHook {
	t.Helper()
	stdout, stderr, code := i.command(t, secret+"\n", "webhook", "add", "--source", source, "--project", fmt.Sprint(project))
	h := addedHook{secret: secret}
	if err := json.Unmarshal([]byte(stdout), &h); err != nil || code != 0 || len(h.ID) != 32 || h.URL != i.where.HTTP+"/webhooks/"+source+"/"+h.ID {
		t.Fatalf("webhook add: exit %d, %q, %q, %v", code, stdout, stderr, err)
	}
	return h
}

// deliver posts a payload as the platform does.
func (i *instance) deliver(t *testing.T, h addedHook, body string) answer {
	t.Helper()
	headers := map[string]string{"Content-Type": "application/json", "x-iadvize-delivery": "7f5a44f2-05b5-4b5a-9d6e-0f9a55a6f3a1"}
	if h.secret != "" {
		mac := hmac.New(sha256.New, []byte(h.secret))
		mac.Write([]byte(body))
		headers["x-iadvize-signature"] = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	return i.do(t, request{method: http.MethodPost, path: strings.TrimPrefix(h.URL, i.where.HTTP), body: body, headers: headers})
}

func (i *instance) delivered(t *testing.T, h addedHook, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if got := i.deliver(t, h, body); got.status != http.StatusOK {
			t.Fatalf("%s\nanswered %s", body, got)
		}
	}
}

// captured are payloads of a source's testdata.
func captured(t *testing.T, source string, names ...string) []string {
	t.Helper()
	var all []string
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join("../../ingest", source, "testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(content))
	}
	return all
}

var iAdvizeSession = []string{
	"conversation.pushed", "conversation.pushed.again", "conversation.closed", "satisfaction.answered.customer",
	"satisfaction.answered.changed", "satisfaction.answered.promoter", "satisfaction.answered.comment", "transaction.attributed",
}

// rowsOf are all public rows of a project, without what names the project or
// counts in the log.
func rowsOf(t *testing.T, i *instance, project int) string {
	t.Helper()
	var out strings.Builder
	for _, table := range []string{"conversations", "contacts", "messages", "transactions"} {
		order := map[string]string{"contacts": "ordinal", "messages": "message_id", "transactions": "transaction_id"}[table]
		if order != "" {
			order = ", " + order
		}
		rows := i.sql(t, fmt.Sprintf("SELECT * EXCEPT (project_id) FROM parley.%s WHERE project_id = %d ORDER BY conversation_id%s", table, project, order))
		for _, row := range rows {
			delete(row, "first_sequence")
			delete(row, "last_sequence")
			line, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %s\n", table, line)
		}
	}
	return out.String()
}

func TestIAdvizeSessionYieldsTheSameRowsInAnyOrderTwiceAndAgainAsHistory(t *testing.T) {
	i := running(t)
	bodies := captured(t, "iadvize", iAdvizeSession...)
	const events = 11 // three openings, two pushes, a close, four answers, a sale
	inOrder := i.addHook(t, "iadvize", 7600, "s3cret")
	i.delivered(t, inOrder, bodies...)
	waitForEvents(t, i, 7600, events)
	want := rowsOf(t, i, 7600)
	for _, part := range []string{
		`"contact_count":2`, `"transfer_count":1`, `"customer_satisfaction":5`, `"net_promoter_score":9`, `"channel":"CHAT"`,
		`"visitor_id":"5c9e0f5e-7d2b-4d58-8a55-1d7f6f0e2b33"`, `"ending_inferred":true`, `"external_conversion_id":"order-88213"`,
		`"amount":300.2`, `"attributed_to_id":148377`, `"duration_ms":967880`,
	} {
		if !strings.Contains(want, part) {
			t.Errorf("%s is missing in\n%s", part, want)
		}
	}

	orders := [][]string{slices.Clone(bodies)}
	slices.Reverse(orders[0])
	for shift := range len(bodies) {
		orders = append(orders, append(slices.Clone(bodies[shift:]), bodies[:shift]...))
	}
	for n := range orders {
		hook := i.addHook(t, "iadvize", 7601+n, "s3cret")
		i.delivered(t, hook, orders[n]...)
		i.delivered(t, hook, bodies...)
	}
	for n := range orders {
		project := 7601 + n
		waitForEvents(t, i, project, events)
		if got := rowsOf(t, i, project); got != want {
			t.Errorf("order %d gives\n%swant\n%s", n, got, want)
		}
	}
}

func TestChatraSessionYieldsTheSameRowsInAnyOrderTwiceAndAgainAsHistory(t *testing.T) {
	i := running(t)
	names := []string{"1-chatStarted", "2-chatFragment", "3-chatFragment", "4-chatTranscript"}
	bodies := captured(t, "chatra", names...)
	const events = 11 // an opening, seven messages, two pushes, a close
	first := i.addHook(t, "chatra", 7650, "")
	i.delivered(t, first, bodies...)
	waitForEvents(t, i, 7650, events)
	want := withoutConversation(t, i, 7650)
	for _, part := range []string{`"contact_count":2`, `"transfer_count":1`, `"abandoned":false`, `"operator_name":"Alice Agent"`, `"visitor_message_count":3`} {
		if !strings.Contains(want, part) {
			t.Errorf("%s is missing in\n%s", part, want)
		}
	}
	project := 7650
	var last int
	permuted(bodies, func(order []string) {
		project++
		hook := i.addHook(t, "chatra", project, "")
		i.delivered(t, hook, order...)
		i.delivered(t, hook, order...)
		i.delivered(t, hook, bodies...)
		last = project
	})
	for p := 7651; p <= last; p++ {
		waitForEvents(t, i, p, events)
		if got := withoutConversation(t, i, p); got != want {
			t.Errorf("order %d gives\n%swant\n%s", p-7650, got, want)
		}
	}
}

// withoutConversation are the rows of a project without ids of conversations,
// which Chatra's are made of the project too.
func withoutConversation(t *testing.T, i *instance, project int) string {
	t.Helper()
	rows := rowsOf(t, i, project)
	id := fmt.Sprint(i.sql(t, fmt.Sprintf("SELECT conversation_id FROM parley.conversations WHERE project_id = %d", project))[0]["conversation_id"])
	return strings.ReplaceAll(rows, id, "<id>")
}

func permuted(all []string, do func([]string)) {
	order := slices.Clone(all)
	var visit func(int)
	visit = func(n int) {
		if n == len(order) {
			do(order)
			return
		}
		for i := n; i < len(order); i++ {
			order[n], order[i] = order[i], order[n]
			visit(n + 1)
			order[n], order[i] = order[i], order[n]
		}
	}
	visit(0)
}

func TestFragmentsOfAChatAreSeenBeforeItEnds(t *testing.T) {
	i := running(t)
	hook := i.addHook(t, "chatra", 7690, "")
	i.delivered(t, hook, captured(t, "chatra", "1-chatStarted", "2-chatFragment")...)
	waitForEvents(t, i, 7690, 5) // an opening, three messages, a push
	if n := i.number(t, "SELECT count() FROM parley.contacts WHERE project_id = 7690 AND status = 'ONGOING'"); n != 1 {
		t.Errorf("%d contacts", n)
	}
}

func TestWebhookRefusesWhatItCannotTake(t *testing.T) {
	i := running(t)
	hook := i.addHook(t, "iadvize", 7700, "s3cret")
	chats := i.addHook(t, "chatra", 7701, "")
	pushed := captured(t, "iadvize", "conversation.pushed")[0]
	unsigned, forged := hook, hook
	unsigned.secret, forged.secret = "", "another"
	elsewhere, missing := hook, hook
	elsewhere.URL = strings.Replace(hook.URL, "/iadvize/", "/chatra/", 1)
	missing.URL = hook.URL[:len(hook.URL)-1] + "x"
	stranger := hook
	stranger.URL = strings.Replace(hook.URL, hook.ID, strings.Repeat("0", 32), 1)
	for name, c := range map[string]struct {
		hook   addedHook
		body   string
		status int
	}{
		"no signature":      {unsigned, pushed, http.StatusUnauthorized},
		"wrong signature":   {forged, pushed, http.StatusUnauthorized},
		"another source":    {elsewhere, pushed, http.StatusNotFound},
		"no such id":        {missing, pushed, http.StatusNotFound},
		"a made-up id":      {stranger, pushed, http.StatusNotFound},
		"no JSON":           {hook, `{"eventType":`, http.StatusAccepted},
		"no conversation":   {hook, `{"eventType":"v2.conversation.pushed"}`, http.StatusAccepted},
		"chatra, no JSON":   {chats, `[`, http.StatusAccepted},
		"too large":         {hook, `{"eventType":"user.created","x":"` + strings.Repeat("x", 17<<20) + `"}`, http.StatusRequestEntityTooLarge},
		"user.connected":    {hook, captured(t, "iadvize", "user.connected")[0], http.StatusOK},
		"visitor.updated":   {hook, captured(t, "iadvize", "visitor.updated")[0], http.StatusOK},
		"an unknown event":  {hook, captured(t, "iadvize", "unknown")[0], http.StatusAccepted},
		"chatra, unknown":   {chats, `{"eventName":"chatRated","client":{"chatId":"x"}}`, http.StatusAccepted},
		"a custom question": {hook, captured(t, "iadvize", "satisfaction.answered.question")[0], http.StatusAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			got := i.deliver(t, c.hook, c.body)
			if got.status != c.status || !json.Valid(got.body) {
				t.Errorf("%d, want %d: %.300s", got.status, c.status, got.body)
			}
		})
	}
	if got := i.do(t, request{method: http.MethodGet, path: strings.TrimPrefix(hook.URL, i.where.HTTP)}); got.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", got)
	}
	// What is unknown is kept, once, and counted.
	if got := i.deliver(t, hook, captured(t, "iadvize", "unknown")[0]); got.status != http.StatusAccepted {
		t.Error(got)
	}
	eventually(t, func() error {
		rows, err := i.trySQL("SELECT source, count() AS n FROM parley.quarantine WHERE reason = 'UNSUPPORTED' AND source IN ('iadvize', 'chatra') GROUP BY source ORDER BY source")
		if err != nil || fmt.Sprint(rows) != "[map[n:1 source:chatra] map[n:2 source:iadvize]]" {
			return fmt.Errorf("%v, %w", rows, err)
		}
		return nil
	})
	for reason, want := range map[string]string{"INVALID_JSON": `[{"eventType": [`, "MISSING_FIELD": `[{"eventType":"v2.conversation.pushed"}`} {
		var kept []string
		for _, row := range i.quarantined(t, "--reason", reason) {
			if row.Source != nil && (*row.Source == "iadvize" || *row.Source == "chatra") {
				kept = append(kept, i.want(t, 0, "quarantine", "show", "--log", "rejected", "--sequence", fmt.Sprint(row.Sequence), "--raw"))
			}
		}
		slices.Sort(kept)
		slices.Reverse(kept)
		if got := fmt.Sprint(kept); got != want+"]" {
			t.Errorf("%s: %s are kept, want %s]", reason, got, want)
		}
	}
	metrics := i.do(t, request{method: http.MethodGet, path: "/metrics"})
	if !strings.Contains(string(metrics.body), `parley_webhook_payloads_total{kind="",outcome="unsupported",source="iadvize"} 3`) {
		t.Errorf("the counter is missing")
	}
	eventually(t, func() error {
		stdout, stderr, code := i.command(t, "", "webhook", "list", "--json")
		for line := range strings.Lines(stdout) {
			var l struct {
				ID                                        string
				Deliveries, Accepted, Unsupported, Failed int
				LastError                                 string
				Signed                                    bool
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			if l.ID == hook.ID && l.Signed && l.Deliveries == 10 && l.Failed == 3 && l.Unsupported == 5 && strings.HasPrefix(l.LastError, "UNSUPPORTED") {
				if strings.Contains(stdout, "s3cret") {
					t.Fatal("the secret is shown")
				}
				return nil
			}
		}
		return fmt.Errorf("exit %d, %s, %s", code, stdout, stderr)
	})
	if _, stderr, code := i.command(t, "", "webhook", "remove", hook.ID); code != 0 {
		t.Errorf("webhook remove: exit %d, %s", code, stderr)
	}
	eventually(t, func() error {
		if got := i.deliver(t, hook, pushed); got.status != http.StatusNotFound {
			return fmt.Errorf("a removed hook: %s", got)
		}
		return nil
	})
	if _, stderr, code := i.command(t, "", "webhook", "remove", hook.ID); code == 0 || !strings.Contains(stderr, "no such webhook") {
		t.Errorf("removed twice: exit %d, %s", code, stderr)
	}
}

// documentedChatra is a payload that Chatra's page shows, without its comments.
func documentedChatra(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("../../ingest/chatra/testdata/documented/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return withoutComments(string(content))
}

func withoutComments(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "//") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestDocumentedChatraPayloadsSetVisitorLanguageAndDurations(t *testing.T) {
	i := running(t)
	alone := i.addHook(t, "chatra", 7710, "")
	i.delivered(t, alone, documentedChatra(t, "chatTranscript"))
	waitForEvents(t, i, 7710, 7) // an opening, four messages, a push, a close
	rows := i.sql(t, `SELECT duration_ms, language, visitor_id, custom_data['order'] AS "order", custom_data['country'] AS country, contact_count,
		first_response_time_ms, visitor_message_count, operator_message_count, initiator FROM parley.conversations WHERE project_id = 7710`)
	const want = "[map[contact_count:1 country:Ireland duration_ms:38709 first_response_time_ms:26213 initiator:VISITOR language:en " +
		"operator_message_count:2 order:#151254 visitor_id:vfg1y4h4ioapl1cx0trw1mujk6den021zs9b2q8 visitor_message_count:2]]"
	if got := fmt.Sprint(rows); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	answer := i.graphQL(t, i.newKey(t, "7710", "read"), `{closedConversations(interval: {from: "2015-01-01T00:00:00Z", to: "2016-01-01T00:00:00Z"})
		{edges {node {visitor {id firstName lastName email phone}}}}}`)
	const visitor = "map[email:[email protected] firstName:Jane id:vfg1y4h4ioapl1cx0trw1mujk6den021zs9b2q8 lastName:<nil> phone:+353 1 568 4258]"
	if got := fmt.Sprint(answer); !strings.Contains(got, visitor) {
		t.Errorf("%s, want %s", got, visitor)
	}

	// All three, verbatim and with the names of Brevo Conversations.
	renames := strings.NewReplacer(
		`"chatStarted"`, `"conversationStarted"`, `"chatFragment"`, `"conversationFragment"`, `"chatTranscript"`, `"conversationTranscript"`,
		`"client"`, `"visitor"`, `"chatId"`, `"conversationId"`, `"chatStartedPage"`, `"conversationStartPage"`,
	)
	for project := 7711; project <= 7712; project++ {
		hook := i.addHook(t, "chatra", project, "")
		for _, name := range []string{"chatTranscript", "chatFragment", "chatStarted", "chatTranscript"} {
			body := documentedChatra(t, name)
			if project == 7712 {
				body = renames.Replace(body)
			}
			i.delivered(t, hook, body)
		}
		waitForEvents(t, i, project, 9) // two openings, five messages, a push, a close
	}
	got := withoutConversation(t, i, 7711)
	if !strings.Contains(got, `"duration_ms":8437971`) || strings.Count(got, "conversations {") != 1 || !strings.Contains(got, `"contact_count":1`) {
		t.Error(got)
	}
	if brevo := withoutConversation(t, i, 7712); brevo != got {
		t.Errorf("Brevo's names give\n%swant\n%s", brevo, got)
	}
}

func TestOfTwoClicksInOneSecondTheLastOneCounts(t *testing.T) {
	i := running(t)
	hook := i.addHook(t, "iadvize", 7720, "s3cret")
	const click = `{"eventType":"satisfaction.answered","createdAt":"2026-03-02T09:32:05Z","conversationId":"00000000-0000-4000-8000-0000000000%d%d","customerSatisfaction":%d}`
	clicks := 0
	for first := 1; first <= 5; first++ {
		for last := 1; last <= 5; last++ {
			if first == last {
				continue
			}
			i.delivered(t, hook, fmt.Sprintf(click, first, last, first), fmt.Sprintf(click, first, last, last), fmt.Sprintf(click, first, last, first))
			clicks += 2
		}
	}
	waitForEvents(t, i, 7720, clicks)
	wrong := i.sql(t, `SELECT conversation_id, customer_satisfaction FROM parley.conversations
		WHERE project_id = 7720 AND toString(customer_satisfaction) != substring(toString(conversation_id), 36)`)
	if len(wrong) > 0 {
		t.Errorf("%v", wrong)
	}
}

// TestLargeChatraFragmentsAreTaken has one above the largest message that the
// broker takes, and one with a message that no event can hold.
func TestLargeChatraFragmentsAreTaken(t *testing.T) {
	i := running(t)
	hook := i.addHook(t, "chatra", 7730, "")
	fragment := func(chat string, messages, size int) string {
		var all []string
		for n := range messages {
			all = append(all, fmt.Sprintf(`{"id":"m%d","type":"client","createdAt":%d,"text":"%s"}`, n, 1772442900000+1000*n, strings.Repeat("x", size)))
		}
		return `{"eventName":"chatFragment","client":{"id":"v","chatId":"` + chat + `","info":{"name":"` + strings.Repeat("n", 100<<10) + `"}},"messages":[` +
			strings.Join(all, ",") + `]}`
	}
	for n, body := range []string{fragment("large", 100, 20<<10), fragment("long", 1, 2<<20), fragment("many", 8000, 100)} {
		if got := i.deliver(t, hook, body); got.status != http.StatusAccepted { // the name is cut
			t.Errorf("%d: %s", n, got)
		}
	}
	waitForEvents(t, i, 7730, 3+100+1+8000)
	rows := i.sql(t, "SELECT count() AS conversations, sum(visitor_message_count) AS messages FROM parley.conversations WHERE project_id = 7730")
	if got := fmt.Sprint(rows); got != "[map[conversations:3 messages:8101]]" {
		t.Error(got)
	}
}

// TestErasureRemovesAllPartsOfAPayloadInQuarantine has one of three parts, with the
// visitor's id across the first two and personal data in the last.
func TestErasureRemovesAllPartsOfAPayloadInQuarantine(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"))
	hook, other := i.addHook(t, "chatra", 8100, ""), i.addHook(t, "chatra", 8101, "")
	begin := `{"eventName":"chatRated","x":"`
	payload := begin + strings.Repeat("x", schema.MaxRejectedBytes-len(begin)-10) + `","id":"visitor-of-parts","y":"` +
		strings.Repeat("y", schema.MaxRejectedBytes) + `","name":"SECRET NAME"}`
	for _, h := range []addedHook{hook, other} {
		if got := i.deliver(t, h, payload); got.status != http.StatusAccepted {
			t.Fatal(got)
		}
	}
	entries := func() int { return len(i.quarantined(t, "--source", "chatra")) }
	eventually(t, func() error {
		if n := entries(); n != 6 {
			return fmt.Errorf("%d entries", n)
		}
		return nil
	})
	i.want(t, 0, "erase", "--project", "8100", "--visitor", "visitor-of-parts", "--grace", "100ms", "--yes")
	if n := i.messagesWith(t, "SECRET NAME"); n != 1 { // of the other project
		t.Errorf("%d messages have the name", n)
	}
	eventually(t, func() error {
		if n := entries(); n != 3 {
			return fmt.Errorf("%d entries", n)
		}
		return nil
	})
}
