package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestPlainNATSClientPublishesAndBadEventsLandInQuarantine uses nothing of HTTP and
// nothing of this project: nats.go, and the credentials of endpoints.json.
func TestPlainNATSClientPublishesAndBadEventsLandInQuarantine(t *testing.T) {
	i := running(t)
	const project = 7900
	conn, err := nats.Connect(i.where.NATS.URL, nats.UserInfo(i.where.NATS.User, i.where.NATS.Password), nats.Timeout(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	const subject = "parley.publish." + someConversation
	structured := event(project, someConversation, "n1", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"SMS"}`)
	binary := nats.NewMsg(subject)
	binary.Data = []byte(`{"toUser":{"id":5,"kind":"BOT","name":"Zoé"}}`)
	for name, value := range map[string]string{
		"ce-specversion": "1.0", "ce-id": "n2", "ce-source": "test", "ce-type": "parley.conversation.pushed.v1",
		"ce-time": "2025-01-01T10:00:01Z", "ce-subject": someConversation, "ce-projectid": fmt.Sprint(project), "content-type": "application/json",
	} {
		binary.Header[name] = []string{value}
	}
	for range 2 { // a repeat changes nothing
		if _, err := js.Publish(subject, []byte(structured)); err != nil {
			t.Fatal(err)
		}
		if _, err := js.PublishMsg(binary); err != nil {
			t.Fatal(err)
		}
	}
	bad := strings.Replace(event(project, someConversation, "nats-bad", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"SMS"}`), "SMS", "PIGEON", 1)
	for _, payload := range []string{bad, "hello"} {
		if _, err := js.Publish(subject, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	waitForEvents(t, i, project, 2)
	rows := i.sql(t, fmt.Sprintf("SELECT channel, contact_count, event_count FROM parley.conversations WHERE project_id = %d", project))
	if got := fmt.Sprint(rows); got != "[map[channel:SMS contact_count:1 event_count:2]]" {
		t.Error(got)
	}
	if name := i.sql(t, fmt.Sprintf("SELECT operator_name AS n FROM parley.contacts WHERE project_id = %d", project))[0]["n"]; name != "Zoé" {
		t.Error(name)
	}
	eventually(t, func() error {
		rows, err := i.trySQL("SELECT reason, detail FROM parley.quarantine WHERE log = 'events' AND event_id = 'nats-bad'")
		if err != nil || len(rows) != 1 || rows[0]["reason"] != "INVALID_FIELD" || !strings.HasPrefix(fmt.Sprint(rows[0]["detail"]), "data.channel: ") {
			return fmt.Errorf("%v, %w", rows, err)
		}
		return nil
	})
}
