package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Readers ask for a consumer at createSubject; the request arrives at gateSubject in the log's account.
const (
	createSubject = "$JS.API.CONSUMER.CREATE." + eventsStream
	gateSubject   = "parley.gate.consumer"
	gateQueue     = "parley-gate" // of the servers of a cluster, one answers
)

const (
	// readerConsumers is the maximum number of consumers on the stream up to which readers get one.
	readerConsumers = 200
	// readerIdle is the maximum time after which a reader's idle consumer expires.
	readerIdle = 24 * time.Hour
)

// gate creates consumers for readers. JetStream delivers with its own rights to any subject that a
// push consumer names, including its own API, where a message with only headers would delete a
// stream. So readers get pull consumers only, a bounded number of them, which expire when idle.
type gate struct{ conn *nats.Conn }

// openGate serves until the connection is closed.
func openGate(provider nats.InProcessConnProvider, user User) (*gate, error) {
	conn, err := nats.Connect("", nats.InProcessServer(provider), nats.UserInfo(user.Name, user.Password), nats.Name("parley gate"), nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("embedded nats: gate: %w", err)
	}
	g := &gate{conn}
	for _, subject := range []string{gateSubject, gateSubject + ".>"} {
		if _, err := conn.QueueSubscribe(subject, gateQueue, g.create); err != nil {
			conn.Close()
			return nil, fmt.Errorf("embedded nats: gate: %w", err)
		}
	}
	if err := conn.Flush(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("embedded nats: gate: %w", err)
	}
	return g, nil
}

func (g *gate) create(m *nats.Msg) {
	body, refusal := checkConsumer(m.Data)
	if refusal == "" {
		refusal = g.room()
	}
	if refusal != "" {
		answer, _ := json.Marshal(map[string]any{ // strings and numbers
			"type":  "io.nats.jetstream.api.v1.consumer_create_response",
			"error": map[string]any{"code": 403, "err_code": 10003, "description": refusal},
		})
		_ = m.Respond(answer) // the reader asks again if this is lost
		return
	}
	request := nats.NewMsg(createSubject + strings.TrimPrefix(m.Subject, gateSubject))
	request.Header, request.Data = m.Header, body
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if answer, err := g.conn.RequestMsgWithContext(ctx, request); err == nil {
		_ = m.RespondMsg(answer)
	}
}

// consumerRequest is what a reader may request; other members are dropped.
type consumerRequest struct {
	Stream string                   `json:"stream_name"`
	Config jetstream.ConsumerConfig `json:"config"`
	Action string                   `json:"action,omitempty"`
}

// checkConsumer returns the request that is sent to the server, or the reason for refusing it. It
// is encoded again, so that it has only one interpretation.
func checkConsumer(body []byte) (allowed []byte, refusal string) {
	var request consumerRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, "the request is not a consumer configuration"
	}
	config := &request.Config
	if config.DeliverSubject != "" || config.DeliverGroup != "" {
		return nil, "readers use pull consumers: deliver_subject and deliver_group are not allowed"
	}
	if config.InactiveThreshold <= 0 || config.InactiveThreshold > readerIdle {
		config.InactiveThreshold = readerIdle
	}
	request.Stream = eventsStream
	allowed, err := json.Marshal(&request)
	if err != nil {
		return nil, "the request is not a consumer configuration"
	}
	return allowed, ""
}

// room returns why no consumer can be added, or nothing.
func (g *gate) room() string {
	answer, err := g.conn.Request("$JS.API.STREAM.INFO."+eventsStream, nil, 5*time.Second)
	if err != nil {
		return "the stream does not answer"
	}
	var info struct {
		State struct {
			Consumers int `json:"consumer_count"`
		} `json:"state"`
	}
	if json.Unmarshal(answer.Data, &info) != nil || info.State.Consumers >= readerConsumers {
		return fmt.Sprintf("the stream has %d consumers, and no room for more", info.State.Consumers)
	}
	return ""
}

func (g *gate) close() { g.conn.Close() }
