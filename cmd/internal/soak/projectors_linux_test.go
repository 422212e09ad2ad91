package soak

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// TestTwoProjectorsUnderEveryFault has a serve and a project write one projection, with engines that
// outlive both, ordinary and hostile senders, and everything that can happen to either.
func TestTwoProjectorsUnderEveryFault(t *testing.T) {
	t.Parallel()
	binary := build(t)
	run := newTally(t, "TestTwoProjectorsUnderEveryFault")
	var drawn []func(*pair) string // by one pair after the other, so that each strike is as often as the others
	for run.left() > 0 {
		if !t.Run("pair", func(t *testing.T) { newPair(t, binary, run, &drawn).suffer() }) {
			t.Fatalf("seed %d, after %v", run.seed, run.kinds)
		}
	}
	run.report(t, "two projectors")
}

// rare is the pause of a sender between two requests: a run is to have many strikes rather than many
// events.
const rare = 500 * time.Millisecond

// pair is a serve under load, and a project beside it.
type pair struct {
	*traffic
	*tally
	project *instance
	tables  *instance // ClickHouse
	before  *front    // of it
	stream  *enginetest.NATSServer
	hostile *sender

	backup string // an older copy of the files of the log; empty for none
	undo   bool   // there is a version to go back to, with the sequences of this log
	deck   *[]func(*pair) string
}

func newPair(t *testing.T, binary string, run *tally, deck *[]func(*pair) string) *pair {
	t.Helper()
	p := &pair{tally: run, deck: deck, stream: enginetest.NATS(t, enginetest.SyncAlways()), tables: newInstance(t, binary), project: newInstance(t, binary)}
	const password = "the password of the owner of the tables"
	p.tables.what = engine
	p.tables.flags = []string{"--writer-password-file", secretFile(t, password)}
	if !p.tables.start() {
		t.Fatal("ClickHouse has not started")
	}
	p.before = newFront(t, "http://"+p.tables.ports[2])

	in := newInstance(t, binary)
	in.clickHouse = &account{"http://" + p.tables.ports[2], embedded.WriterUser, password}
	in.servers = append(p.before.flags(t, embedded.WriterUser, password),
		"--nats-url", p.stream.URL, "--nats-user", p.stream.User, "--nats-password-file", secretFile(t, p.stream.Password))
	p.traffic = underLoad(t, in, rare)
	p.project.what, p.project.servers = project, in.servers
	p.project.flags = []string{"--secret-key-file", in.dir + "/secret.key"}
	p.begin(p.project)
	p.hostile = p.sender(p.dice.Uint64(), rare)
	p.send(in.hostile(p.hostile).run)
	p.watchers = append(p.watchers, watch(t, p.senders, in, p.project))
	return p
}

// suffer goes through strikes until time is up, or there is much to compare, and compares everything
// now and then, and at the end.
func (p *pair) suffer() {
	found := verdict{}
	p.tally.ready()
	for n := 1; p.left() > 0 && found.events < grown && !p.t.Failed(); n++ {
		p.kinds[p.draw()(p)]++
		if n%4 == 0 {
			found = p.compared()
			p.say("two projectors", found)
		}
	}
	p.before.late.Wait()
	p.kinds["statements completed late"] += int(p.before.completed.Load())
	found = p.compared()
	p.stop()
	p.project.stop()
	p.tables.stop()
	p.add(found, p.senders)
}

// draw takes the next strike. The first one of a pair copies the log, so that there is an older one to restore.
func (p *pair) draw() func(*pair) string {
	if p.backup == "" {
		return (*pair).restoreOlderLog
	}
	if len(*p.deck) == 0 {
		*p.deck = deck()
		p.dice.Shuffle(len(*p.deck), func(i, j int) { (*p.deck)[i], (*p.deck)[j] = (*p.deck)[j], (*p.deck)[i] })
	}
	strike := (*p.deck)[0]
	*p.deck = (*p.deck)[1:]
	return strike
}

// deck is every strike that there is.
func deck() []func(*pair) string {
	all := []func(*pair) string{
		(*pair).killTables, (*pair).suspendTables, (*pair).restoreOlderLog,
		func(p *pair) string { return p.completeLate("its connection broke", func(*instance) {}) },
		func(p *pair) string { return p.completeLate("its writer was killed", p.kill) },
		func(p *pair) string { return p.completeLate("its writer was suspended", p.suspend) },
	}
	for _, of := range []func(*pair) *instance{
		func(p *pair) *instance { return p.instance }, func(p *pair) *instance { return p.project },
	} {
		all = append(all,
			func(p *pair) string { return p.either(of(p), "killed", p.kill) },
			func(p *pair) string { return p.either(of(p), "stopped by SIGTERM", p.terminate) },
			func(p *pair) string { return p.either(of(p), "suspended", p.suspend) },
		)
	}
	nothing := func(*instance) {}
	for _, undo := range []bool{false, true} {
		for _, c := range []struct {
			how string
			do  func(*pair) func(*instance)
		}{
			{"", func(*pair) func(*instance) { return nothing }},
			{" while its projector was killed", func(p *pair) func(*instance) { return p.kill }},
			{" while its projector was suspended", func(p *pair) func(*instance) { return p.suspend }},
		} {
			all = append(all, func(p *pair) string { return p.replay(undo, c.how, c.do(p)) })
		}
	}
	return all
}

// upTo draws a time, at most what is left of the run.
func (p *pair) upTo(most time.Duration) time.Duration {
	return time.Duration(p.dice.Int64N(int64(max(time.Second, min(most, p.left())))))
}

// begin starts a process that nothing kills meanwhile.
func (p *pair) begin(in *instance) {
	if !in.start() {
		p.t.Fatalf("%s has not started", in.what)
	}
}

// kill kills a process, and starts it some time later: after the other one has taken over, or before.
func (p *pair) kill(in *instance) {
	in.kill(in.pid())
	in.await()
	time.Sleep(p.upTo(12 * time.Second))
	p.begin(in)
}

// terminate stops a process, and starts it some time later.
func (p *pair) terminate(in *instance) {
	in.stop()
	time.Sleep(p.upTo(2 * time.Second))
	p.begin(in)
}

// suspend stops a process for a while in whatever it does: for longer than its lease lasts, or not.
func (p *pair) suspend(in *instance) {
	_ = syscall.Kill(in.pid(), syscall.SIGSTOP)
	time.Sleep(time.Second + p.upTo(14*time.Second))
	_ = syscall.Kill(in.pid(), syscall.SIGCONT)
}

// either does something to one of the two.
func (p *pair) either(in *instance, what string, do func(*instance)) string {
	time.Sleep(p.upTo(time.Second))
	if in.projects() {
		what += ", projecting"
	}
	do(in)
	return in.what + " " + what
}

// projects reports whether a process says that it holds the projector's lease.
func (in *instance) projects() bool {
	response, err := http.Get("http://" + in.ports[0] + "/metrics")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return strings.Contains(string(text), `parley_lease_held{lease="projector"} 1`)
}

// writer waits until one of the two projects, and returns it.
func (p *pair) writer() *instance {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, in := range []*instance{p.instance, p.project} {
			if in.projects() {
				return in
			}
		}
	}
	p.t.Fatal("nobody has projected for a minute")
	return nil
}

func (p *pair) killTables() string {
	p.tables.kill(p.tables.victim())
	return "ClickHouse killed"
}

func (p *pair) suspendTables() string {
	child := p.tables.victim()
	_ = syscall.Kill(child, syscall.SIGSTOP)
	time.Sleep(time.Second + p.upTo(8*time.Second))
	_ = syscall.Kill(child, syscall.SIGCONT)
	return "ClickHouse suspended"
}

// completeLate holds back a statement that writes, does something to its writer, and lets it through.
func (p *pair) completeLate(how string, do func(*instance)) string {
	writer := p.writer()
	came := p.before.holdBack(held{after: p.dice.IntN(25), gives: p.upTo(3 * time.Second), late: p.upTo(15 * time.Second)})
	select {
	case <-came:
		do(writer)
		return "statement held back, " + how
	case <-time.After(10 * time.Second):
		p.before.holdNothing()
		return "no statement to hold back"
	}
}

var saidLive = regexp.MustCompile(`version (\d+) is live`)

// replay replays, or undoes a replay, while something happens to the one that projects.
func (p *pair) replay(undo bool, how string, do func(*instance)) string {
	arguments := []string{"replay"}
	if undo && p.undo {
		arguments = append(arguments, "--undo")
	}
	type result struct {
		output string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		output, err := p.run(nil, arguments...)
		done <- result{output, err}
	}()
	if how != "" {
		time.Sleep(p.upTo(2 * time.Second))
		do(p.writer())
	}
	r := <-done
	what := strings.Join(arguments, " ") + how
	if r.err != nil {
		p.t.Logf("%s: %v\n%s", what, r.err, r.output)
		if how == "" {
			p.t.Errorf("%s fails although nothing happened", what)
		}
		return what + ", which failed"
	}
	p.undo = true
	said := saidLive.FindStringSubmatch(r.output)
	var live string
	err := p.owner().ask(p.t.Context(), "SELECT argMaxIf(version, turn, state = 'live') AS live FROM parley_meta.turns", func(row map[string]any) { live = fmt.Sprint(row["live"]) })
	if err != nil || said == nil || said[1] != live {
		p.t.Errorf("%s: version %s is live (%v), but it said:\n%s", what, live, err, r.output)
	}
	return what
}

// restoreOlderLog copies the files of the log; the next time, it puts them in the place of the log's, has
// what is missing restored, and replays. Senders never stop but for the moment in which everything
// that is acknowledged must reach the tables: it would be lost with the log.
//
// The copy has events, since a log that was empty begins after all that the tables have, and a replay reads that from the archive, with the
// sequences that it had. And it lacks events that came later: otherwise it is not an older one.
func (p *pair) restoreOlderLog() string {
	p.awaitAcknowledged(300)
	resume := p.settled()
	defer resume()
	p.stream.Stop()
	if p.backup == "" {
		p.backup = p.t.TempDir() + "/log"
		if err := os.CopyFS(p.backup, os.DirFS(p.stream.Dir)); err != nil {
			p.t.Fatal(err)
		}
		p.stream.Restart(p.t)
		return "NATS stopped, and its files copied"
	}
	both := []*instance{p.instance, p.project}
	for _, in := range both {
		in.kill(in.pid())
		in.await()
	}
	if err := os.RemoveAll(p.stream.Dir); err != nil {
		p.t.Fatal(err)
	}
	if err := os.CopyFS(p.stream.Dir, os.DirFS(p.backup)); err != nil {
		p.t.Fatal(err)
	}
	p.backup = ""
	p.stream.Restart(p.t)
	ready := []<-chan string{p.launchReplaced(p.key), p.project.launch()}
	resume()
	p.command("log", "restore")
	for n, in := range both {
		in.awaitReady(ready[n])
	}
	p.command("replay")
	p.undo = false // the version before has the sequences of the log that is gone, which are not those that are compared with
	return "an older log restored"
}

// compared waits until both processes are ready, and holds everything against the log.
func (p *pair) compared() verdict {
	p.t.Helper()
	for _, in := range []*instance{p.instance, p.project} {
		in.awaitMissing("", "")
	}
	return p.hold(p.instance, &p.gate, p.senders)
}
