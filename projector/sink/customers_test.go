package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// town writes events, given in the order of the log, one batch for each.
type town struct {
	t *testing.T
	r reader
}

func (n *town) happens(conversation int, seconds int64, typ schema.Type, data schema.Data) {
	n.t.Helper()
	e := schema.Event{
		Project: 7, Conversation: foldtest.Conversation(7, conversation).Conversation, Source: "s",
		ID: fmt.Sprint(len(n.r.log)), Time: schema.Timestamp(seconds * 1000), Type: typ, Data: data,
	}
	if c, is := data.(*schema.Customer); is {
		e.Conversation = schema.ProfileSubject(7, schema.ProfileCustomer, c.ID)
	}
	n.r.log = append(n.r.log, archived([]schema.Event{e}, schema.Sequence(len(n.r.log)+1))...)
	if err := n.r.step(n.t.Context(), 1); err != nil {
		n.t.Fatal(err)
	}
}

// customer reads the row of a customer, nil if there is none.
func (n *town) customer(id string) map[string]any {
	n.t.Helper()
	text := enginetest.ClickHouse(n.t).Exec(n.t, n.r.sink.in(`SELECT * FROM $projection.customers FINAL WHERE customer_id = '`+id+`'
		FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 1`))
	if text == "" {
		return nil
	}
	var row map[string]any
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		n.t.Fatalf("%v in %s", err, text)
	}
	return row
}

// holds compares some columns of a customer with what they are to be, as JSON.
func (n *town) holds(id string, want map[string]string) {
	n.t.Helper()
	row := n.customer(id)
	if row == nil {
		n.t.Fatalf("no customer %s", id)
	}
	for column, expected := range want {
		if got, _ := json.Marshal(row[column]); string(got) != expected {
			n.t.Errorf("%s of %s is %s, want %s", column, id, got, expected)
		}
	}
}

func opened(visitor schema.Visitor, channel schema.Channel, custom ...schema.CustomValue) *schema.Opened {
	return &schema.Opened{Channel: channel, Visitor: &visitor, CustomData: custom}
}

func TestCustomersAddUpTheirConversations(t *testing.T) {
	n := &town{t: t, r: reader{sink: empty(t, Options{})}}
	n.happens(1, 100, schema.TypeOpened, opened(schema.Visitor{ID: "v"}, "WHATSAPP", schema.CustomValue{Key: "ipAddress", Value: "192.0.2.1"}))
	n.holds("v", map[string]string{"type": `"VISITOR"`, "channels": `["WHATSAPP"]`, "orders_count": "0", "last_chat_at": "null", "ip_address": `"192.0.2.1"`})

	n.happens(1, 101, schema.TypeMessage, &schema.Message{MessageID: "m", AuthorKind: schema.KindVisitor})
	n.happens(1, 102, schema.TypeMessage, &schema.Message{MessageID: "n", AuthorKind: schema.KindBot})
	n.happens(2, 50, schema.TypeOpened, opened(schema.Visitor{ID: "v", FirstName: new("Ada"), Email: new("old@example.org")}, "CHAT")) // a late one
	n.happens(3, 200, schema.TypeOpened, opened(schema.Visitor{ID: "v", Email: new("new@example.org")}, "WHATSAPP"))
	n.holds("v", map[string]string{
		"type": `"GUEST"`, "channels": `["CHAT","WHATSAPP"]`, "conversation_count": "3", "first_name": `"Ada"`, "email": `"new@example.org"`,
		"created_at": `"1970-01-01 00:00:50.000"`, "updated_at": `"1970-01-01 00:03:20.000"`, "last_chat_at": `"1970-01-01 00:01:41.000"`,
		"event_count": "5", "first_sequence": "1", "last_sequence": "5",
	})

	sale := func(id string, amount schema.Amount, currency schema.Currency) *schema.Transaction {
		return &schema.Transaction{TransactionID: id, ExternalConversionID: id, Amount: amount, Currency: currency}
	}
	n.happens(1, 300, schema.TypeTransaction, sale("a", 1_000_001, "EUR"))
	n.happens(2, 300, schema.TypeTransaction, sale("a", 1_000_001, "EUR"))
	n.happens(2, 301, schema.TypeTransaction, sale("b", -5, "USD"))
	n.happens(2, 302, schema.TypeTransaction, sale("b", -7, "USD")) // replaces it
	n.holds("v", map[string]string{
		"type": `"CUSTOMER"`, "orders_count": "3", "total_spent": `{"EUR":"200.0002","USD":"-0.0007"}`, "order_counts": `{"EUR":2,"USD":1}`,
	})
}

// TestACustomerMovesToWhereItWasCreated moves the time of creation, which is in the
// sort key, back and forth.
func TestACustomerMovesToWhereItWasCreated(t *testing.T) {
	n := &town{t: t, r: reader{sink: empty(t, Options{})}}
	created := func(want string) {
		t.Helper()
		n.holds("v", map[string]string{"created_at": want}) // of one row
	}
	n.happens(0, 500, schema.TypeCustomer, &schema.Customer{ID: "v", FirstName: new("Grace")})
	created(`"1970-01-01 00:08:20.000"`)
	n.happens(1, 600, schema.TypeOpened, opened(schema.Visitor{ID: "v"}, "CHAT"))
	created(`"1970-01-01 00:10:00.000"`)
	n.happens(2, 100, schema.TypeOpened, opened(schema.Visitor{ID: "v"}, "CHAT"))
	created(`"1970-01-01 00:01:40.000"`)
	n.happens(2, 50, schema.TypeOpened, opened(schema.Visitor{ID: "w"}, "CHAT")) // 2 belongs to w now
	created(`"1970-01-01 00:10:00.000"`)
	n.happens(3, 100, schema.TypeOpened, opened(schema.Visitor{ID: "v"}, "CHAT")) // where a mark stands
	created(`"1970-01-01 00:01:40.000"`)
}

func TestProfilesGoBeforeOpenings(t *testing.T) {
	n := &town{t: t, r: reader{sink: empty(t, Options{})}}
	n.happens(0, 500, schema.TypeCustomer, &schema.Customer{ID: "v", FirstName: new("Grace"), Notes: new("VIP"), Type: new(schema.CustomerGuest)})
	n.holds("v", map[string]string{
		"type": `"GUEST"`, "first_name": `"Grace"`, "notes": `"VIP"`, "conversation_count": "0", "channels": "[]",
		"created_at": `"1970-01-01 00:08:20.000"`, "event_count": "1",
	})
	n.happens(1, 600, schema.TypeOpened, opened(schema.Visitor{ID: "v", ExternalID: new("crm"), FirstName: new("Ada"), Phone: new("1")}, "CHAT"))
	n.holds("v", map[string]string{
		"type": `"GUEST"`, "first_name": `"Grace"`, "phone": `"1"`, "external_id": `"crm"`, "created_at": `"1970-01-01 00:10:00.000"`,
	})
	n.happens(0, 501, schema.TypeCustomer, &schema.Customer{ID: "v", Clear: []string{"phone", "type"}})
	n.holds("v", map[string]string{"type": `"CUSTOMER"`, "phone": "null", "external_id": `"crm"`})
	n.happens(0, 499, schema.TypeCustomer, &schema.Customer{ID: "v", Phone: new("2")}) // before the clearing
	n.holds("v", map[string]string{"phone": "null"})
	n.happens(0, 502, schema.TypeCustomer, &schema.Customer{ID: "v", Phone: new("3")})
	n.holds("v", map[string]string{"phone": `"3"`, "event_count": "5", "last_sequence": "5"})
}

func TestAConversationGoesToTheVisitorOfItsFirstOpening(t *testing.T) {
	n := &town{t: t, r: reader{sink: empty(t, Options{})}}
	n.happens(1, 200, schema.TypeOpened, opened(schema.Visitor{ID: "late"}, "CHAT"))
	n.holds("late", map[string]string{"conversation_count": "1"})
	n.happens(1, 100, schema.TypeOpened, opened(schema.Visitor{ID: "early"}, "CHAT"))
	n.holds("early", map[string]string{"conversation_count": "1", "event_count": "2"})
	if row := n.customer("late"); row != nil {
		t.Errorf("the customer of no event is still there: %v", row)
	}
	n.happens(2, 300, schema.TypeOpened, opened(schema.Visitor{ID: ""}, "CHAT"))
	if row := n.customer(""); row != nil {
		t.Errorf("the visitor without an id is a customer: %v", row)
	}
}

// TestCustomersAreMadeWhereNoPositionIsStored opens a projection as an older
// binary leaves it: with conversations and without customers.
func TestCustomersAreMadeWhereNoPositionIsStored(t *testing.T) {
	n := &town{t: t, r: reader{sink: empty(t, Options{})}}
	n.happens(1, 100, schema.TypeOpened, opened(schema.Visitor{ID: "v"}, "CHAT"))
	server := enginetest.ClickHouse(t)
	server.Exec(t, n.r.sink.in("TRUNCATE TABLE $projection.customers"))
	server.Exec(t, n.r.sink.in("DELETE FROM $projection.positions WHERE log = 'customers'"))
	n.r.sink = reopen(t, n.r.sink.conn, n.r.sink.options)
	if err := n.r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.holds("v", map[string]string{"conversation_count": "1"})
}

// TestCustomersWithMuchCustomDataAreMadeInBlocks touches many customers with large profiles in one batch.
func TestCustomersWithMuchCustomDataAreMadeInBlocks(t *testing.T) {
	n := &town{t: t, r: reader{sink: empty(t, Options{})}}
	const customers, members = 30, 200
	value := strings.Repeat("x", 4000)
	for i := range customers {
		var data []schema.CustomValue
		for k := range members {
			data = append(data, schema.CustomValue{Key: fmt.Sprintf("k%03d", k), Value: value})
		}
		n.happens(0, int64(i), schema.TypeCustomer, &schema.Customer{ID: fmt.Sprint("v", i), CustomData: data})
	}
	first := len(n.r.log)
	for i := range customers {
		e := schema.Event{
			Project: 7, Conversation: foldtest.Conversation(7, i+1).Conversation, Source: "s", ID: fmt.Sprint("opened ", i), Time: 100_000,
			Type: schema.TypeOpened, Data: opened(schema.Visitor{ID: fmt.Sprint("v", i)}, "CHAT"),
		}
		n.r.log = append(n.r.log, archived([]schema.Event{e}, schema.Sequence(first+i+1))...)
	}
	counted := &customerInserts{Conn: n.r.sink.conn}
	n.r.sink.conn = counted
	if err := n.r.step(t.Context(), customers); err != nil {
		t.Fatal(err)
	}
	if counted.n < 3 || counted.most > 2*mostBlockBytes {
		t.Errorf("%d MB of custom data were inserted in %d blocks of up to %d bytes", customers*members*len(value)/1e6, counted.n, counted.most)
	}
	got := enginetest.ClickHouse(t).Exec(t, n.r.sink.in(`SELECT count(), sum(conversation_count), min(length(custom_data)), min(length(custom_data['k199'])), max(length(custom_data['k000']))
		FROM $projection.customers FINAL FORMAT TSV`))
	if want := "30\t30\t200\t4000\t4000"; strings.TrimSpace(got) != want {
		t.Errorf("customers, conversations, members, lengths: %q, want %q", got, want)
	}
}

// customerInserts counts the inserts of customers.
type customerInserts struct {
	driver.Conn
	n, most int
}

func (c *customerInserts) InsertFormat(ctx context.Context, format, statement string, data io.Reader) error {
	if strings.Contains(statement, ".customers ") {
		c.n++
		block, err := io.ReadAll(data)
		if err != nil {
			return err
		}
		c.most, data = max(c.most, len(block)), bytes.NewReader(block)
	}
	return c.Conn.InsertFormat(ctx, format, statement, data)
}
