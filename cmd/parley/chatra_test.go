package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/query/auth"
)

// The requests that Chatra's documentation prints, verbatim.
const (
	chatraMessage = `{
"clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
"text": "Hello! How can I help you?",
"agentId": "d9nKoegKSjmCtyK78"
}`
	chatraMarked = `{
"clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
"text": "Hello! How can I help you?",
"agentId": "d9nKoegKSjmCtyK78",
"receivedFrom": "SuperAwesomeHelpdesk"
}`
	chatraByAddress = `{
"clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
"text": "Hello! How can I help you?",
"agentEmail": "Liz@example.com",
"agentName": "Liz",
"receivedFrom": "SuperAwesomeHelpdesk"
}`
	chatraEdited = `{
"text": "Good morning! How can I help you?"
}`
	chatraPushed = `{
"clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
"text": "Your order has shipped! Here’s your tracking number: 9114 5847 3325 9667 4328 88"
}`
	chatraPushedByGroup = `{
"clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
"text": "Your order has shipped! Here’s your tracking number: 9114 5847 3325 9667 4328 88",
"groupId": "PjRBMhWGen6aRHjif"
}`
	chatraPushedByAgent = `{
"clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
"text": "Your order has shipped! Here’s your tracking number: 9114 5847 3325 9667 4328 88",
"agentId": "d9nKoegKSjmCtyK78"
}`
	chatraPushedEdited = `{
"text": "Your order has shipped! Here’s your tracking number: 9114 5847 4668 7775 9233 54"
}`
	chatraProfile = `{
"name": "Jane Doe",
"email": "jane@example.com",
"phone": "+353 1 568 4258",
"notes": "Loves skinny jeans"
}`
	chatraProfileRemoval = `{
"email": null,
"phone": "+353 1 568 7922"
}`
	chatraClient = "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg"
	chatraAgent  = "d9nKoegKSjmCtyK78"
)

// chatraAPI is a client of the API with one key.
type chatraAPI struct {
	*instance
	key auth.Key
}

func (c *chatraAPI) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	sent := map[string]string{"Authorization": "Chatra.Simple " + c.key.ID + ":" + c.key.Secret}
	if body != "" {
		sent["Content-Type"] = "application/json"
	}
	for i := 0; i < len(headers); i += 2 {
		sent[headers[i]] = headers[i+1]
	}
	return c.do(t, request{method: method, path: path, body: body, headers: sent})
}

// object asks and wants an object with 200.
func (c *chatraAPI) object(t *testing.T, method, path, body string, headers ...string) map[string]any {
	t.Helper()
	got := c.ask(t, method, path, body, headers...)
	var o map[string]any
	if err := json.Unmarshal(got.body, &o); err != nil || got.status != http.StatusOK {
		t.Fatalf("%s %s %s\nanswered %s", method, path, body, got)
	}
	return o
}

// refused asks and wants an error of the documented form.
func (c *chatraAPI) refused(t *testing.T, status int, message, method, path, body string, headers ...string) answer {
	t.Helper()
	got := c.ask(t, method, path, body, headers...)
	want := fmt.Sprintf("{\"status\":%d,\"message\":%q}\n", status, message)
	if got.status != status || string(got.body) != want {
		t.Errorf("%s %s %s\nanswered %s, want %d %s", method, path, body, got, status, want)
	}
	return got
}

func chatraFor(t *testing.T, project int) *chatraAPI {
	t.Helper()
	i := running(t)
	return &chatraAPI{i, i.newKey(t, strconv.Itoa(project), "ingest,read")}
}

var shortID = regexp.MustCompile(`^[A-Za-z0-9]{17}$`)

// printed compares an answer with the one printed in the documentation, but for
// the id and the time, which it gives.
func printed(t *testing.T, got map[string]any, want string) (id string, at float64) {
	t.Helper()
	var wanted map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	id, _ = got["id"].(string)
	at, _ = got["createdAt"].(float64)
	if !shortID.MatchString(id) || at < 1.7e12 || at != float64(int64(at)) {
		t.Errorf("id %v, createdAt %v", got["id"], got["createdAt"])
	}
	wanted["id"], wanted["createdAt"] = id, at
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("answered %v, want %v", got, wanted)
	}
	return id, at
}

// C-1, with what the documentation prints of messages.
func TestChatraMessagesAsDocumented(t *testing.T) {
	c := chatraFor(t, 8101)
	printed(t, c.object(t, http.MethodPost, "/api/messages/", chatraMessage), `{
		"type": "agent", "text": "Hello! How can I help you?", "clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg", "agentId": "d9nKoegKSjmCtyK78"}`)
	const answered = `{
		"type": "agent", "text": "%s", "clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
		"agentId": "d9nKoegKSjmCtyK78", "receivedFrom": "SuperAwesomeHelpdesk"}`
	first := fmt.Sprintf(answered, "Hello! How can I help you?")
	id, at := printed(t, c.object(t, http.MethodPost, "/api/messages/", chatraMarked), first)
	same := func(got map[string]any, want string) {
		t.Helper()
		if gotID, gotAt := printed(t, got, want); gotID != id || gotAt != at {
			t.Errorf("%s at %v became %s at %v", id, at, gotID, gotAt)
		}
	}
	same(c.object(t, http.MethodGet, "/api/messages/"+id, ""), first)
	edited := fmt.Sprintf(answered, "Good morning! How can I help you?")
	same(c.object(t, http.MethodPut, "/api/messages/"+id, chatraEdited), edited)
	same(c.object(t, http.MethodGet, "/api/messages/"+id+"/", ""), edited)
	for n := range 3 { // each change counts, however soon it follows
		text := fmt.Sprintf("text %d", n)
		same(c.object(t, http.MethodPut, "/api/messages/"+id+"/", `{"text":"`+text+`"}`), fmt.Sprintf(answered, text))
		same(c.object(t, http.MethodGet, "/api/messages/"+id, ""), fmt.Sprintf(answered, text))
	}
	same(c.object(t, http.MethodPut, "/api/messages/"+id, chatraEdited), edited)
	same(c.object(t, http.MethodDelete, "/api/messages/"+id, ""), edited)
	c.refused(t, 404, "Message not found", http.MethodGet, "/api/messages/"+id, "")
	c.refused(t, 404, "Message not found", http.MethodDelete, "/api/messages/"+id, "")
	c.refused(t, 404, "Message not found", http.MethodPut, "/api/messages/"+id, chatraEdited)

	// An agent known by address only, in any case of its letters.
	got := c.object(t, http.MethodPost, "/api/messages", chatraByAddress)
	id, _ = printed(t, got, `{
		"type": "agent", "text": "Hello! How can I help you?", "clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg",
		"agentId": "liz@example.com", "receivedFrom": "SuperAwesomeHelpdesk"}`)
	if again := c.object(t, http.MethodGet, "/api/messages/"+id, ""); !reflect.DeepEqual(again, got) {
		t.Errorf("%v was read as %v", got, again)
	}

	// Rows: one conversation that the agents opened, a contact of each agent, and
	// the deleted message still counted.
	liz, known := source.OperatorID("chatra", "liz@example.com"), source.OperatorID("chatra", chatraAgent)
	waitForEvents(t, c.instance, 8101, 3+2+7)
	row := c.sql(t, "SELECT channel, initiator, contact_count, operator_message_count, user_ids FROM parley.conversations WHERE project_id = 8101")
	users := []string{fmt.Sprint(min(liz, known)), fmt.Sprint(max(liz, known))}
	if len(row) != 1 || fmt.Sprint(row[0]) != fmt.Sprintf("map[channel:CHAT contact_count:2 initiator:OPERATOR operator_message_count:3 user_ids:[%s]]", strings.Join(users, " ")) {
		t.Errorf("rows %v, want users %v", row, users)
	}
}

// C-3, with what the documentation prints of pushedMessages.
func TestChatraPushedMessagesAsDocumented(t *testing.T) {
	c := chatraFor(t, 8102)
	for _, path := range []string{"/api/pushedMessages", "/api/pushedMessages/"} {
		for _, body := range []string{chatraPushed, chatraPushedByGroup} {
			got := c.object(t, http.MethodPost, path, body)
			if agent, _ := got["agentId"].(string); !shortID.MatchString(agent) || got["isPushed"] != true {
				t.Errorf("%s answered %v", body, got)
			}
			if again := c.object(t, http.MethodGet, path+"/"+got["id"].(string), ""); !reflect.DeepEqual(got, again) {
				t.Errorf("%v was read as %v", got, again)
			}
		}
	}
	const answered = `{
		"type": "agent", "text": "Your order has shipped! Here’s your tracking number: %s",
		"clientId": "kZMvWhf8npAu3H6qd57w2Hv6nh6rnxvg", "agentId": "d9nKoegKSjmCtyK78", "isPushed": true}`
	before, after := fmt.Sprintf(answered, "9114 5847 3325 9667 4328 88"), fmt.Sprintf(answered, "9114 5847 4668 7775 9233 54")
	id, _ := printed(t, c.object(t, http.MethodPost, "/api/pushedMessages/", chatraPushedByAgent), before)
	printed(t, c.object(t, http.MethodGet, "/api/pushedMessages/"+id, ""), before)
	printed(t, c.object(t, http.MethodGet, "/api/messages/"+id, ""), before)
	printed(t, c.object(t, http.MethodPut, "/api/pushedMessages/"+id, chatraPushedEdited), after)
	c.refused(t, 403, "Only agents' messages can be edited", http.MethodPut, "/api/messages/"+id, chatraEdited)
	c.refused(t, 403, "Only agents' messages can be edited", http.MethodDelete, "/api/messages/"+id, "")
	printed(t, c.object(t, http.MethodDelete, "/api/pushedMessages/"+id, ""), after)
	c.refused(t, 404, "Message not found", http.MethodGet, "/api/pushedMessages/"+id, "")

	sent := c.object(t, http.MethodPost, "/api/messages", chatraMessage)["id"].(string)
	c.refused(t, 404, "Message not found", http.MethodGet, "/api/pushedMessages/"+sent, "")
	c.refused(t, 403, "Only agents' messages can be edited", http.MethodDelete, "/api/pushedMessages/"+sent, "")

	// All of it is one conversation, and nothing automatic is an answer.
	waitForEvents(t, c.instance, 8102, 1+5+2+2)
	rows := c.sql(t, "SELECT operator_message_count, contact_count FROM parley.conversations WHERE project_id = 8102")
	if len(rows) != 1 || fmt.Sprint(rows[0]) != "map[contact_count:1 operator_message_count:6]" {
		t.Errorf("rows %v", rows)
	}
}

// C-4, with what the documentation prints of clients, after a webhook.
func TestChatraClientsAsDocumented(t *testing.T) {
	c := chatraFor(t, 8103)
	page, err := os.ReadFile("../../ingest/chatra/testdata/documented/chatStarted.txt")
	if err != nil {
		t.Fatal(err)
	}
	started := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(string(page), "")
	c.delivered(t, c.addHook(t, "chatra", 8103, ""), started)
	var payload struct{ Client map[string]any }
	if err := json.Unmarshal([]byte(started), &payload); err != nil {
		t.Fatal(err)
	}
	id := payload.Client["id"].(string)
	before := c.object(t, http.MethodGet, "/api/clients/"+id, "")
	for _, name := range []string{"id", "chatId", "chatLink", "groupId", "browserLanguage", "chatLanguage", "browser", "os", "country", "city", "displayedName", "info"} {
		if !reflect.DeepEqual(before[name], payload.Client[name]) {
			t.Errorf("%s is %v, want %v", name, before[name], payload.Client[name])
		}
	}
	info := payload.Client["info"].(map[string]any)
	changed := c.object(t, http.MethodPut, "/api/clients/"+id+"/", chatraProfile)
	wantBasic := map[string]any{"name": "Jane Doe", "email": "jane@example.com", "phone": "+353 1 568 4258", "notes": "Loves skinny jeans"}
	if !reflect.DeepEqual(changed["basicInfo"], wantBasic) || changed["displayedName"] != "Jane Doe" {
		t.Errorf("answered %v", changed)
	}
	changed = c.object(t, http.MethodPut, "/api/clients/"+id, chatraProfileRemoval)
	wantBasic["phone"] = "+353 1 568 7922"
	delete(wantBasic, "email")
	if !reflect.DeepEqual(changed["basicInfo"], wantBasic) {
		t.Errorf("answered %v", changed)
	}
	wantInfo := map[string]any{}
	for name, value := range info {
		wantInfo[name] = value
	}
	for name, value := range wantBasic {
		wantInfo[name] = value
	}
	if !reflect.DeepEqual(changed["info"], wantInfo) {
		t.Errorf("info %v, want %v", changed["info"], wantInfo)
	}
	if !reflect.DeepEqual(changed["integrationData"], before["integrationData"]) {
		t.Errorf("integrationData became %v", changed["integrationData"])
	}
	if again := c.object(t, http.MethodGet, "/api/clients/"+id, ""); !reflect.DeepEqual(again, changed) {
		t.Errorf("%v was read as %v", changed, again)
	}
	for n := range 3 { // each change counts, however soon it follows
		got := c.object(t, http.MethodPut, "/api/clients/"+id, fmt.Sprintf(`{"name":"Jane %d"}`, n))
		if name := got["info"].(map[string]any)["name"]; name != fmt.Sprint("Jane ", n) {
			t.Errorf("name %v after change %d", name, n)
		}
	}

	// A client of this API only: what is removed is gone.
	c.object(t, http.MethodPost, "/api/messages/", chatraMessage)
	c.object(t, http.MethodPut, "/api/clients/"+chatraClient, chatraProfile)
	got := c.object(t, http.MethodPut, "/api/clients/"+chatraClient, `{"email":null,"name":"","notes":null}`)
	if want := map[string]any{"phone": "+353 1 568 4258"}; !reflect.DeepEqual(got["basicInfo"], want) || !reflect.DeepEqual(got["info"], want) || !shortID.MatchString(fmt.Sprint(got["chatId"])) {
		t.Errorf("answered %v", got)
	}
	c.refused(t, 404, "Client not found", http.MethodGet, "/api/clients/nobody", "")
	c.refused(t, 404, "Client not found", http.MethodPut, "/api/clients/nobody", chatraProfile)
}

func TestChatraVisitorsMessagesAreReadAndNotEdited(t *testing.T) {
	c := chatraFor(t, 8104)
	c.post(t, `{"specversion":"1.0","id":"o","source":"s","type":"parley.conversation.opened.v1","time":"2026-01-05T10:00:00Z","subject":"7f2c1c2e-0000-4000-8000-000000008104","projectid":8104,"data":{"channel":"CHAT","visitor":{"id":"v/1"}}}`,
		`{"specversion":"1.0","id":"m","source":"s","type":"parley.message.sent.v1","time":"2026-01-05T10:00:01Z","subject":"7f2c1c2e-0000-4000-8000-000000008104","projectid":8104,"data":{"messageId":"m/1 é","author":{"kind":"VISITOR","id":"v/1"},"text":"Hi <there>"}}`)
	want := map[string]any{"id": "m/1 é", "type": "client", "text": "Hi <there>", "clientId": "v/1", "createdAt": 1767607201000.0}
	const path = "/api/messages/m%2F1%20%C3%A9"
	if got := c.object(t, http.MethodGet, path, ""); !reflect.DeepEqual(got, want) {
		t.Errorf("answered %v", got)
	}
	c.refused(t, 403, "Only agents' messages can be edited", http.MethodPut, path, chatraEdited)
	c.refused(t, 403, "Only agents' messages can be edited", http.MethodDelete, path, "")
	other := chatraFor(t, 8105)
	other.refused(t, 404, "Message not found", http.MethodGet, path, "")
	other.refused(t, 404, "Message not found", http.MethodPut, path, chatraEdited)
	other.refused(t, 404, "Message not found", http.MethodDelete, path, "")
	other.refused(t, 404, "Client not found", http.MethodGet, "/api/clients/v%2F1", "")
	if got := c.object(t, http.MethodGet, "/api/clients/v%2F1/", ""); got["id"] != "v/1" {
		t.Errorf("answered %v", got)
	}
}

func TestChatraCredentials(t *testing.T) {
	c := chatraFor(t, 8106)
	pair := c.key.ID + ":" + c.key.Secret
	for _, header := range []string{"Chatra.Simple " + pair, "chatra.simple " + pair, "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))} {
		c.object(t, http.MethodPost, "/api/pushedMessages", chatraPushed, "Authorization", header)
	}
	for _, header := range []string{
		"", "Chatra.Simple", "Chatra.Simple " + c.key.ID, "Chatra.Simple " + pair + "x", "Basic " + pair, "Bearer " + pair,
		"Basic " + base64.StdEncoding.EncodeToString([]byte(c.key.ID)),
	} {
		got := c.refused(t, 401, "Unauthorized", http.MethodGet, "/api/messages/x", "", "Authorization", header)
		if got.header.Get("WWW-Authenticate") == "" {
			t.Error("401 names no scheme")
		}
	}
	const project, scopes = "The key must be for exactly one project", "The key needs the scopes ingest and read"
	for _, k := range []struct {
		projects, scopes, method, message string
	}{
		{"all", "ingest,read", http.MethodGet, project}, {"8106,8107", "ingest,read", http.MethodGet, project},
		{"8106", "read", http.MethodDelete, scopes}, {"8106", "ingest", http.MethodGet, scopes},
	} {
		other := &chatraAPI{c.instance, c.newKey(t, k.projects, k.scopes)}
		other.refused(t, 403, k.message, k.method, "/api/messages/x", "")
	}
}

// C-2, and whatever else is not a request.
func TestChatraRefusesMalformedRequests(t *testing.T) {
	const bad = "Invalid data format"
	long := strings.Repeat("x", 257)
	bodies := map[string][]string{
		"/api/messages": {
			`{"agentEmail":"liz@example.com"}`, `{"clientId":"c","text":"t","agentEmail":"liz@example.com"}`,
			`{"clientId":"c","text":"t","agentEmail":"liz","agentName":"Liz","receivedFrom":"x"}`, `{"clientId":"c","text":"t"}`,
			`{"text":"t","agentId":"a"}`, `{"clientId":"c","agentId":"a"}`, `{"clientId":"c","text":"","agentId":"a"}`,
			`{"clientId":7,"text":"t","agentId":"a"}`, `{"clientId":"c","text":["t"],"agentId":"a"}`,
			`{"clientId":"` + long + `","text":"t","agentId":"a"}`, `{"clientId":"c","text":"t","agentId":"` + long + `"}`,
			`{"clientId":"c","text":"` + strings.Repeat("x", 32<<10+1) + `","agentId":"a"}`,
			`{"clientId":"c","clientId":"d","text":"t","agentId":"a"}`, `{"clientId":"c","text":"t","agentId":"a",}`,
			`{"clientId":"c","text":"t","agentId":"a"} x`, `[]`, `null`, ` `, `{`, "{\"clientId\":\"c\",\"text\":\"\xff\",\"agentId\":\"a\"}",
		},
		"/api/pushedMessages": {`{"clientId":"c","text":"t","agentId":"a","groupId":"g"}`, `{"text":"t"}`, `{"clientId":"c"}`},
		"PUT /api/messages/x": {`{"text":null}`, `{}`, "{\n\"text\": \"Good morning! How can I help you?\",\n}"},
		"PUT /api/clients/x":  {`{"name":1}`, `{"nickname":"x"}`, `{"email":"` + strings.Repeat("x", 1025) + `"}`, `{"name":"a","name":"b"}`},
	}
	n := 0
	var c *chatraAPI
	next := func() *chatraAPI {
		if n++; n%50 == 1 {
			c = chatraFor(t, 8108)
		}
		return c
	}
	for path, list := range bodies {
		method, path, named := strings.Cut(path, " ")
		if !named {
			method, path = http.MethodPost, method
		}
		for _, body := range list {
			next().refused(t, 400, bad, method, path, body)
		}
	}
	for _, kind := range []string{"text/plain", "application/json; charset=latin1", "application/x-www-form-urlencoded", "x"} {
		next().refused(t, 400, bad, http.MethodPost, "/api/messages", chatraMessage, "Content-Type", kind)
	}
	next().refused(t, 413, "The body is larger than 256 KiB", http.MethodPost, "/api/messages", strings.Repeat(" ", 256<<10)+chatraMessage)
	for _, r := range [][3]string{
		{http.MethodGet, "/api/messages", "POST"}, {http.MethodPatch, "/api/messages/x", "GET, PUT, DELETE"}, {http.MethodDelete, "/api/clients/x", "GET, PUT"},
	} {
		if got := next().refused(t, 405, "Method not allowed", r[0], r[1], ""); got.header.Get("Allow") != r[2] {
			t.Errorf("Allow %q, want %s", got.header.Get("Allow"), r[2])
		}
	}
	for _, path := range []string{"/api/clients", "/api/clients/", "/api/messages/a/b", "/api/messages/" + long, "/api/messages/%ff", "/api/", "/api/v1/conversations", "/api/Messages/x"} {
		next().refused(t, 404, "Not found", http.MethodGet, path, "")
	}
	for _, key := range []string{"", strings.Repeat("k", 257), "é"} {
		next().refused(t, 400, "Idempotency-Key must be one value of 1 to 256 printable characters", http.MethodPost, "/api/messages", chatraMessage, "Idempotency-Key", key)
	}
}

// C-5.
func TestChatraAllowsSixtyRequestsAMinutePerKey(t *testing.T) {
	c := chatraFor(t, 8109)
	for n := range 60 {
		if got := c.ask(t, http.MethodPost, "/api/messages", "{}"); got.status != http.StatusBadRequest {
			t.Fatalf("request %d: %s", n, got)
		}
	}
	got := c.refused(t, 429, "Too Many Requests", http.MethodGet, "/api/clients/x", "")
	if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 60 {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	chatraFor(t, 8109).refused(t, 404, "Client not found", http.MethodGet, "/api/clients/x", "")
}

func TestChatraMessageIsOneHoweverOftenItIsSent(t *testing.T) {
	c := chatraFor(t, 8110)
	const key = "Idempotency-Key"
	first := c.object(t, http.MethodPost, "/api/messages", chatraMarked, key, "one")
	for range 2 {
		if again := c.object(t, http.MethodPost, "/api/messages/", chatraMarked, key, "one"); !reflect.DeepEqual(again, first) {
			t.Errorf("%v was repeated as %v", first, again)
		}
	}
	c.refused(t, 422, "Idempotency-Key belongs to another request", http.MethodPost, "/api/messages", chatraMessage, key, "one")
	c.refused(t, 422, "Idempotency-Key belongs to another request", http.MethodPost, "/api/pushedMessages", chatraPushed, key, "one")
	if other := c.object(t, http.MethodPost, "/api/messages", chatraMarked, key, "two"); other["id"] == first["id"] {
		t.Error("two keys gave one message")
	}
	answers := make([]map[string]any, 10)
	var senders sync.WaitGroup
	for n := range answers {
		senders.Go(func() {
			got := c.ask(t, http.MethodPost, "/api/messages", `{"clientId":"at once","text":"t","agentId":"a"}`, key, "three")
			if json.Unmarshal(got.body, &answers[n]) != nil || got.status != http.StatusOK {
				t.Errorf("answered %s", got)
			}
		})
	}
	senders.Wait()
	for _, got := range answers {
		if !reflect.DeepEqual(got, answers[0]) {
			t.Errorf("%v was answered, and %v", answers[0], got)
		}
	}
	for _, body := range []string{`{"clientId":"new","text":"1","agentId":"a"}`, `{"clientId":"new","text":"2","agentId":"a"}`} {
		senders.Go(func() { c.ask(t, http.MethodPost, "/api/messages", body) })
	}
	senders.Wait()
	last := c.object(t, http.MethodPost, "/api/messages", `{"clientId":"new","text":"3","agentId":"a"}`)
	c.object(t, http.MethodGet, "/api/messages/"+last["id"].(string), "")
	rows := c.sql(t, "SELECT visitor_id, contact_count, operator_message_count FROM parley.conversations WHERE project_id = 8110 ORDER BY visitor_id")
	want := "[map[contact_count:1 operator_message_count:1 visitor_id:at once]" +
		" map[contact_count:1 operator_message_count:2 visitor_id:" + chatraClient + "]" +
		" map[contact_count:1 operator_message_count:3 visitor_id:new]]"
	if fmt.Sprint(rows) != want {
		t.Errorf("rows %v, want %s", rows, want)
	}
}

// The API is part of the query role, which writes events of its own.
func TestChatraBesideServe(t *testing.T) {
	c := chatraFor(t, 8112)
	beside := &chatraAPI{c.role(t, "query"), c.key}
	got := beside.object(t, http.MethodPost, "/api/messages/", chatraMessage)
	if again := c.object(t, http.MethodGet, "/api/messages/"+got["id"].(string), ""); !reflect.DeepEqual(again, got) {
		t.Errorf("%v was read as %v", got, again)
	}
}
