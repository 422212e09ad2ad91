package soak

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

var (
	duration = flag.Duration("duration", 20*time.Second, "how long to keep killing")
	seedFlag = flag.Uint64("seed", 0, "seed of everything that is drawn; 0 draws one")
)

// every is how many cycles pass between two checks.
const every = 8

// build makes the binary that is killed.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "parley")
	if output, err := exec.Command("go", "build", "-o", binary, "../../parley").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	return binary
}

// grown is how many events an instance may hold before a new one is started:
// with more, most of the time goes into comparing them.
const grown = 60_000

// tally is a run, and what it has done so far.
type tally struct {
	seed         uint64
	dice         *rand.Rand
	began, until time.Time

	kinds        map[string]int // of kills, and of other strikes
	checks       int
	acked, again int64
	events, rows int // distinct events and rows compared, of all instances
	instances    int
	watchers     []*watcher
}

// newTally begins a run of a test.
func newTally(t *testing.T, test string) *tally {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d, duration %v: go test ./cmd/internal/soak -run %s -seed %d -duration %v", seed, *duration, test, seed, *duration)
	now := time.Now()
	return &tally{seed: seed, dice: rand.New(rand.NewPCG(seed, 7)), began: now, until: now.Add(*duration), kinds: map[string]int{}}
}

// ready begins the time of the run with its first instance: a start may take as long as a short run.
func (y *tally) ready() {
	if y.instances == 0 {
		y.until = time.Now().Add(*duration)
	}
}

// left is what is left of the time of the run.
func (y *tally) left() time.Duration { return time.Until(y.until) }

func (y *tally) struck() (n int) {
	for _, times := range y.kinds {
		n += times
	}
	return n
}

// hold holds everything against the log while the senders pause, and ends the test if anything is wrong.
func (y *tally) hold(in *instance, gate *sync.RWMutex, senders []*sender) verdict {
	in.t.Helper()
	gate.Lock()
	defer gate.Unlock()
	v, err := in.check(in.t.Context(), senders)
	if err != nil {
		in.t.Fatalf("check after %v: %v", y.kinds, err)
	}
	y.checks++
	if v.lost+v.doubled+v.differing > 0 {
		in.t.Fatalf("after %v: %d lost (%s), %d doubled, %d rows differ\n%s", y.kinds, v.lost, v.firstLost, v.doubled, v.differing, v.firstDifference)
	}
	return v
}

// add counts an instance that has ended.
func (y *tally) add(found verdict, senders []*sender) {
	y.instances++
	y.events += found.events
	y.rows += found.rows
	for _, s := range senders {
		y.acked += s.acked.Load()
		y.again += s.again.Load()
	}
}

// say prints how far the run is.
func (y *tally) say(what string, found verdict) {
	fmt.Fprintf(os.Stderr, "%s: instance %d, %v left, %d strikes; %d events and %d rows compared: all right\n",
		what, y.instances+1, y.left().Round(time.Second), y.struck(), found.events, found.rows)
}

// report prints what the run has done.
func (y *tally) report(t *testing.T, what string) {
	t.Helper()
	watched, still := 0, time.Duration(0)
	for _, w := range y.watchers {
		watched, still = watched+w.taken, max(still, w.longest())
	}
	summary := fmt.Sprintf("%s: seed %d, %v, %d strikes, %d checks, %d instances; %d events acknowledged, %d requests sent again; %d distinct events, %d rows compared; 0 lost, 0 doubled, 0 differing; ready while the tables stood still behind the log for %v at most (%d samples)",
		what, y.seed, time.Since(y.began).Round(time.Second), y.struck(), y.checks, y.instances, y.acked, y.again, y.events, y.rows, still.Round(100*time.Millisecond), watched)
	for _, kind := range slices.Sorted(maps.Keys(y.kinds)) {
		summary += fmt.Sprintf("\n%s:   %4d %s", what, y.kinds[kind], kind)
	}
	fmt.Fprintln(os.Stderr, summary)
	if y.events == 0 || y.rows == 0 || watched == 0 {
		t.Fatal("nothing was sent, or nothing was watched: the run shows nothing")
	}
}

func TestNothingAcknowledgedIsLostDoubledOrWrong(t *testing.T) {
	t.Parallel()
	binary := build(t)
	run := newTally(t, "TestNothingAcknowledgedIsLostDoubledOrWrong")
	for run.left() > 0 {
		if !t.Run("instance", func(t *testing.T) { run.exercise(t, newInstance(t, binary)) }) {
			t.Fatalf("seed %d, after %v", run.seed, run.kinds)
		}
	}
	run.report(t, "soak")
}

// exercise sends events to a new instance and kills what runs in it, until the instance
// has grown or time is up.
func (y *tally) exercise(t *testing.T, in *instance) {
	// The first starts are killed too: between two statements of the migrations.
	for ready := false; !ready; {
		if ready = in.start(fmt.Sprintf("PARLEY_CRASH_AT=migrate.statement:%d", 1+y.dice.IntN(40))); !ready {
			y.kinds["in a migration"]++
		}
	}
	in.stop() // a point that the start has not reached would be reached by views that are made later
	for !in.start() {
	}
	y.ready()
	var key map[string]string
	in.read("admin-key.json", &key)

	var gate sync.RWMutex
	stop := make(chan struct{})
	var sending sync.WaitGroup
	var senders []*sender
	most := int64(grown / 2) // a replay during a strike need not run after ever more events
	if !long() {
		most = grown / 10
	}
	for n := range 4 {
		s := &sender{instance: in, number: n, seed: y.dice.Uint64(), pace: 100 * time.Millisecond, most: most, gate: &gate, key: key,
			base: func() string { return "http://" + in.ports[0] }, keys: map[schema.EventKey]bool{}}
		senders = append(senders, s)
		run := s.run
		if n == 3 {
			run = in.hostile(s).run
		}
		sending.Go(func() { run(stop) })
	}
	t.Cleanup(sending.Wait)
	end := sync.OnceFunc(func() { close(stop) })
	t.Cleanup(end)
	y.watchers = append(y.watchers, watch(t, senders, in))

	restart := func() {
		for !in.start() { // a kill may fall into the start
		}
	}
	var found verdict
	for cycle := 1; y.left() > 0 && found.events < grown && !t.Failed(); cycle++ {
		in.runs()
		kind := in.strike(y.dice, restart)
		y.kinds[kind]++
		if cycle%every == 0 {
			found = y.hold(in, &gate, senders)
			y.say("soak", found)
		}
	}
	end()
	sending.Wait()
	found = y.hold(in, &gate, senders)
	in.stop()
	y.add(found, senders)
}

// points are the named ones of serve, and what a kill there is called.
var points = map[string]string{
	"write.keys": "after keys", "write.rows": "after rows", "write.events": "after events", "write.position": "after position",
	"append.half": "in an atomic publish",
}

// strike kills in one of the ways, and brings serve up again. It says what the
// kill met, which is not always what was aimed at.
func (in *instance) strike(dice *rand.Rand, restart func()) string {
	anywhere := func(within time.Duration) time.Duration { return time.Duration(dice.Int64N(int64(within))) }
	parent := func(kind string) string {
		in.kill(in.pid())
		in.await()
		restart()
		return kind
	}
	switch n := dice.IntN(22); {
	case n < 3:
		time.Sleep(anywhere(1500 * time.Millisecond))
		return parent("parent alone")
	case n < 6:
		time.Sleep(anywhere(1500 * time.Millisecond))
		child := in.victim()
		in.kill(in.pid())
		in.kill(child)
		in.await()
		restart()
		return "parent and ClickHouse"
	case n < 9:
		time.Sleep(anywhere(1500 * time.Millisecond))
		in.kill(in.victim())
		return "ClickHouse alone"
	case n < 15:
		point := slices.Sorted(maps.Keys(points))[dice.IntN(len(points))]
		in.stop()
		if in.start(fmt.Sprintf("PARLEY_CRASH_AT=%s:%d", point, 1+dice.IntN(6))) {
			select {
			case <-in.exited:
			case <-time.After(5 * time.Second):
				return parent("parent alone") // the point was not reached
			}
			in.await()
		}
		restart()
		return points[point]
	case n < 16:
		in.kill(in.pid())
		in.await()
		url := in.launch()
		select {
		case in.url = <-url:
			return parent("parent alone")
		case <-time.After(anywhere(2500 * time.Millisecond)):
			return parent("while starting")
		}
	case n < 17:
		in.stop()
		restart()
		return "stopped by SIGTERM"
	case n < 19:
		point := []string{"built", "compared", "offered"}[dice.IntN(3)]
		var exit *exec.ExitError
		if output, err := in.run([]string{"PARLEY_CRASH_AT=replay." + point}, "replay"); !errors.As(err, &exit) || !killed(exit.ProcessState) {
			in.t.Errorf("a replay that is to be killed when %s: %v\n%s", point, err, output)
		}
		return "replay when " + point
	case n < 20:
		if output, err := in.run(nil, "replay", "--undo"); err == nil {
			return "replay undone under load"
		} else if !strings.Contains(output, "nothing to undo") {
			in.t.Errorf("undo: %v\n%s", err, output)
		}
		in.command("replay")
		return "replay under load"
	default:
		command, kind := []string{"replay"}, "parent during a replay"
		if dice.IntN(2) == 0 {
			command, kind = append(command, "--undo"), "parent during an undo"
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = in.run(nil, command...) // what it works on is taken away
		}()
		select {
		case <-done:
			kind = "parent alone"
		case <-time.After(anywhere(1500 * time.Millisecond)):
		}
		kind = parent(kind)
		<-done
		return kind
	}
}
