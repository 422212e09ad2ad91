package main

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/cmd/internal/crash"
)

// A process that is killed between append and answer has the message once, after
// the client has sent it again.
func TestChatraMessageIsOneThroughACrash(t *testing.T) {
	dir := t.TempDir()
	crashing := func() *chatraAPI {
		t.Setenv(crash.Variable, "chatra.appended")
		defer t.Setenv(crash.Variable, "")
		return &chatraAPI{instance: start(t, dir)}
	}
	post := func(c *chatraAPI) {
		t.Helper()
		sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.where.HTTP+"/api/messages/", strings.NewReader(chatraMarked))
		if err != nil {
			t.Fatal(err)
		}
		sent.Header.Set("Authorization", "Chatra.Simple "+c.key.ID+":"+c.key.Secret)
		sent.Header.Set("Content-Type", "application/json")
		sent.Header.Set("Idempotency-Key", "order 7")
		if response, err := http.DefaultClient.Do(sent); err == nil {
			_ = response.Body.Close() // there is none
			t.Fatalf("answered %s", response.Status)
		}
		<-c.ended
	}
	c := crashing()
	c.key = c.newKey(t, "8111", "ingest,read")
	post(c)
	after := &chatraAPI{start(t, dir), c.key}
	first := after.object(t, http.MethodPost, "/api/messages/", chatraMarked, "Idempotency-Key", "order 7")
	again := after.object(t, http.MethodPost, "/api/messages", chatraMarked, "Idempotency-Key", "order 7")
	if !reflect.DeepEqual(first, again) {
		t.Errorf("%v was repeated as %v", first, again)
	}
	rows := after.sql(t, "SELECT conversation_id, operator_message_count, contact_count, event_count FROM parley.conversations WHERE project_id = 8111")
	if len(rows) != 1 || fmt.Sprintf("%v %v %v", rows[0]["operator_message_count"], rows[0]["contact_count"], rows[0]["event_count"]) != "1 1 3" {
		t.Errorf("rows %v", rows)
	}
}
