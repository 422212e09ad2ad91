//go:build containers

package soak

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/parley-analytics/parley/schema"
)

// load is three senders that post to a fleet's Parley, as long as a test runs.
type load struct {
	f       *fleet
	gate    sync.RWMutex
	senders []*sender
	done    func() // ends the sending
	key     map[string]string
}

// underLoad makes a key and starts the senders.
func (f *fleet) underLoad(first int) *load {
	f.t.Helper()
	l := &load{f: f}
	if err := json.Unmarshal([]byte(f.must("key", "add", "--name", "senders", "--projects", "all", "--scopes", "ingest,read")), &l.key); err != nil {
		f.t.Fatal(err)
	}
	stop := make(chan struct{})
	var sending sync.WaitGroup
	for n := range 3 {
		s := &sender{instance: f.in, number: first + n, seed: uint64(first + n), pace: 150 * time.Millisecond, gate: &l.gate, key: l.key,
			base: func() string { return f.in.url }, keys: map[schema.EventKey]bool{}}
		l.senders = append(l.senders, s)
		sending.Go(func() { s.run(stop) })
	}
	l.done = sync.OnceFunc(func() { close(stop); sending.Wait() })
	f.t.Cleanup(l.done)
	return l
}

func (l *load) acknowledged() (events, again int64) {
	for _, s := range l.senders {
		events, again = events+s.acked.Load(), again+s.again.Load()
	}
	return events, again
}

// more waits until so many more events are acknowledged.
func (l *load) more(events int64) {
	l.f.t.Helper()
	from, _ := l.acknowledged()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if now, _ := l.acknowledged(); now >= from+events {
			return
		}
		if time.Now().After(deadline) {
			l.f.t.Fatalf("no %d events were acknowledged within a minute", events)
		}
	}
}

// check compares everything while the senders pause.
func (l *load) check() verdict {
	l.f.t.Helper()
	l.gate.Lock()
	defer l.gate.Unlock()
	v, err := l.f.in.check(l.f.t.Context(), l.senders)
	if err != nil {
		l.f.t.Fatal(err)
	}
	if v.lost+v.doubled+v.differing > 0 {
		l.f.t.Fatalf("%d lost (%s), %d doubled, %d rows differ\n%s", v.lost, v.firstLost, v.doubled, v.differing, v.firstDifference)
	}
	return v
}

// strike is a way to take a member away and to bring it back.
type strike struct {
	name        string
	away, back  func(f *fleet, member string) error
	forHowLong  time.Duration
	onlyEngines bool // Parley itself is asked over the same port
}

func strikes() []strike {
	start := func(f *fleet, member string) error {
		_, err := f.docker.ContainerStart(f.t.Context(), f.id(member), client.ContainerStartOptions{})
		return err
	}
	return []strike{
		{name: "killed", forHowLong: time.Second, back: start, away: func(f *fleet, member string) error {
			_, err := f.docker.ContainerKill(f.t.Context(), f.id(member), client.ContainerKillOptions{Signal: "KILL"})
			return err
		}},
		{name: "stopped", forHowLong: time.Second, back: start, away: func(f *fleet, member string) error {
			seconds := int(patience.Seconds())
			_, err := f.docker.ContainerStop(f.t.Context(), f.id(member), client.ContainerStopOptions{Timeout: &seconds})
			return err
		}},
		{name: "paused", forHowLong: 6 * time.Second, away: func(f *fleet, member string) error {
			_, err := f.docker.ContainerPause(f.t.Context(), f.id(member), client.ContainerPauseOptions{})
			return err
		}, back: func(f *fleet, member string) error {
			_, err := f.docker.ContainerUnpause(f.t.Context(), f.id(member), client.ContainerUnpauseOptions{})
			return err
		}},
		{name: "cut off the network", forHowLong: 6 * time.Second, onlyEngines: true, away: func(f *fleet, member string) error {
			_, err := f.docker.NetworkDisconnect(f.t.Context(), f.network.ID, client.NetworkDisconnectOptions{Container: f.id(member), Force: true})
			return err
		}, back: func(f *fleet, member string) error {
			_, err := f.docker.NetworkConnect(f.t.Context(), f.network.ID, client.NetworkConnectOptions{
				Container: f.id(member), EndpointConfig: &network.EndpointSettings{Aliases: []string{member}},
			})
			return err
		}},
	}
}

func (f *fleet) id(member string) string { return f.members[member].GetContainerID() }

func TestContainersAreTakenAwayInTheMiddleOfTraffic(t *testing.T) {
	began := time.Now()
	f := newFleet(t)
	for _, r := range roles {
		f.start(r.name, 0)
	}
	f.in.awaitMissing("", "")
	l := f.underLoad(1)
	l.more(1000)
	var done []string
	for _, s := range strikes() {
		for _, r := range roles {
			if s.onlyEngines && r.name == "parley" {
				continue
			}
			if err := s.away(f, r.name); err != nil {
				t.Fatalf("%s %s: %v", r.name, s.name, err)
			}
			time.Sleep(s.forHowLong)
			if err := s.back(f, r.name); err != nil {
				t.Fatalf("%s back after it was %s: %v", r.name, s.name, err)
			}
			f.in.awaitMissing("", "")
			l.more(200)
			done = append(done, r.name+" "+s.name)
			t.Logf("%s, and back: all is ready", done[len(done)-1])
		}
	}
	l.done()
	l.check()
	f.must("replay")
	f.tenancy()
	f.erase()
	found := l.check()
	f.must("verify")
	events, again := l.acknowledged()
	fmt.Fprintf(os.Stderr, "%s\ncontainers: %v, %d strikes (%s); %d events acknowledged, %d requests sent again; %d distinct events and %d rows compared; 0 lost, 0 doubled, 0 wrong\n",
		f.says, time.Since(began).Round(time.Second), len(done), strings.Join(done, ", "), events, again, found.events, found.rows)
}

// ask sends a GraphQL query and returns the answer's data, as text.
func (f *fleet) ask(key map[string]string, query string) string {
	f.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		f.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, f.in.url+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("x-api-id", key["id"])
	request.Header.Set("x-api-secret", key["secret"])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Errors) > 0 {
		f.t.Fatalf("%s: %v, %s", query, err, answer.Errors)
	}
	return string(answer.Data)
}

// contacts asks for the number of contacts of a project.
func (f *fleet) contacts(key map[string]string, project int) (total int) {
	f.t.Helper()
	var data struct{ Contacts struct{ TotalCount int } }
	answer := f.ask(key, fmt.Sprintf(`{contacts(filters: {projectIds: %d}, interval: {from: "1971-01-01T00:00:00Z", to: "2199-01-01T00:00:00Z"}) {totalCount}}`, project))
	if err := json.Unmarshal([]byte(answer), &data); err != nil {
		f.t.Fatal(err)
	}
	return data.Contacts.TotalCount
}

// busiest returns the project with the most contacts, and that number, as ClickHouse counts it.
func (f *fleet) busiest() (project, contacts int) {
	f.t.Helper()
	err := f.in.query("SELECT project_id, count() AS contacts FROM contacts GROUP BY project_id ORDER BY contacts DESC, project_id LIMIT 1", func(row map[string]any) {
		_, _ = fmt.Sscan(fmt.Sprint(row["project_id"]), &project)
		_, _ = fmt.Sscan(fmt.Sprint(row["contacts"]), &contacts)
	})
	if err != nil || contacts == 0 {
		f.t.Fatalf("no contacts: %v", err)
	}
	return project, contacts
}

// tenancy compares what a key of the project and a key of another one see.
func (f *fleet) tenancy() {
	f.t.Helper()
	project, contacts := f.busiest()
	for projects, want := range map[string]int{fmt.Sprint(project): contacts, fmt.Sprint(project + 1): 0, "all": contacts} {
		var key map[string]string
		if err := json.Unmarshal([]byte(f.must("key", "add", "--name", "of "+projects, "--projects", projects, "--scopes", "read")), &key); err != nil {
			f.t.Fatal(err)
		}
		if got := f.contacts(key, project); got != want {
			f.t.Errorf("a key of project %s sees %d contacts of project %d, not %d", projects, got, project, want)
		}
	}
}

// erase erases a conversation that has texts and compares that only they are gone.
func (f *fleet) erase() {
	f.t.Helper()
	var project, conversation string
	texts := func() (n string) {
		err := f.in.query(fmt.Sprintf("SELECT count() AS n FROM message_texts WHERE project_id = %s AND conversation_id = '%s' AND text != ''", project, conversation), func(row map[string]any) {
			n = fmt.Sprint(row["n"])
		})
		if err != nil {
			f.t.Fatal(err)
		}
		return n
	}
	err := f.in.query("SELECT project_id, conversation_id FROM message_texts WHERE text != '' ORDER BY project_id, conversation_id LIMIT 1", func(row map[string]any) {
		project, conversation = fmt.Sprint(row["project_id"]), fmt.Sprint(row["conversation_id"])
	})
	if err != nil || conversation == "" {
		f.t.Fatalf("no texts: %v", err)
	}
	f.must("erase", "--project", project, "--conversation", conversation, "--yes")
	if left := texts(); left != "0" {
		f.t.Errorf("%s texts are left of an erased conversation", left)
	}
}

func TestLogWithoutSpaceLosesNothing(t *testing.T) {
	f := newFleet(t)
	f.start("nats", 96)
	f.start("clickhouse", 0)
	f.start("parley", 0)
	f.in.awaitMissing("", "")
	l := f.underLoad(11)
	const times, most, least = 3, 128 << 10, 4 // KiB: a record takes little room, so little may be left
	for range times {
		l.more(500)
		ballast := func(kib int) string { return fmt.Sprintf("/var/lib/parley/ballast-%d", kib) }
		if !f.own("nats") {
			ballast = func(kib int) string { return fmt.Sprintf("/data/ballast-%d", kib) }
		}
		for kib := most; kib >= least; kib /= 2 {
			_ = f.ballast("nats", ballast(kib), kib) // what does not fit is left out
		}
		t.Logf("the disk of the log is full; /readyz says of nats: %s", f.in.awaitMissing("nats", ""))
		for kib := most; kib >= least; kib /= 2 {
			if err := f.ballast("nats", ballast(kib), 0); err != nil {
				t.Fatal(err)
			}
		}
		f.in.awaitMissing("", "")
	}
	l.more(500)
	l.done()
	found := l.check()
	events, again := l.acknowledged()
	fmt.Fprintf(os.Stderr, "containers: the disk of NATS was filled up %d times; %d events acknowledged, %d requests sent again; %d distinct events and %d rows compared; 0 lost, 0 doubled, 0 wrong\n",
		times, events, again, found.events, found.rows)
}
