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
	"sync"
	"sync/atomic"
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

// tally is what a run has done so far.
type tally struct {
	kills        map[string]int
	checks       int
	acked, again int64
	events, rows int // distinct events and rows compared, of all instances
	instances    int
}

func (y *tally) killed() (n int) {
	for _, times := range y.kills {
		n += times
	}
	return n
}

func TestNothingAcknowledgedIsLostDoubledOrWrong(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d, duration %v: go test ./cmd/internal/soak -seed %d -duration %v", seed, *duration, seed, *duration)
	binary := build(t)
	dice := rand.New(rand.NewPCG(seed, 7))
	began := time.Now()
	done := tally{kills: map[string]int{}}
	for time.Since(began) < *duration {
		if !t.Run("instance", func(t *testing.T) { done.exercise(t, newInstance(t, binary), dice, began.Add(*duration)) }) {
			t.Fatalf("seed %d, after %v", seed, done.kills)
		}
	}
	summary := fmt.Sprintf("soak: seed %d, %v, %d kills, %d checks, %d instances; %d events acknowledged, %d requests sent again; %d distinct events, %d rows compared; 0 lost, 0 doubled, 0 differing",
		seed, time.Since(began).Round(time.Second), done.killed(), done.checks, done.instances, done.acked, done.again, done.events, done.rows)
	for _, kind := range slices.Sorted(maps.Keys(done.kills)) {
		summary += fmt.Sprintf("\nsoak:   %4d %s", done.kills[kind], kind)
	}
	fmt.Fprintln(os.Stderr, summary)
	if done.events == 0 || done.rows == 0 {
		t.Fatal("nothing was sent: the run shows nothing")
	}
}

// exercise sends events to a new instance and kills what runs in it, until the instance
// has grown or time is up.
func (y *tally) exercise(t *testing.T, in *instance, dice *rand.Rand, until time.Time) {
	// The first starts are killed too: between two statements of the migrations.
	for ready := false; !ready; {
		if ready = in.start(fmt.Sprintf("PARLEY_CRASH_AT=migrate.statement:%d", 1+dice.IntN(40))); !ready {
			y.kills["in a migration"]++
		}
	}
	var key map[string]string
	in.read("admin-key.json", &key)

	var base atomic.Value
	base.Store(in.url)
	var gate sync.RWMutex
	stop := make(chan struct{})
	var sending sync.WaitGroup
	var senders []*sender
	for n := range 3 {
		s := &sender{instance: in, number: n, seed: dice.Uint64(), pace: 100 * time.Millisecond, gate: &gate, key: key,
			base: func() string { return base.Load().(string) }, keys: map[schema.EventKey]bool{}}
		senders = append(senders, s)
		sending.Go(func() { s.run(stop) })
	}
	t.Cleanup(sending.Wait)
	end := sync.OnceFunc(func() { close(stop) })
	t.Cleanup(end)

	restart := func() {
		for !in.start() { // a kill may fall into the start
		}
		base.Store(in.url)
	}
	var found verdict
	check := func() {
		gate.Lock()
		defer gate.Unlock()
		v, err := in.check(t.Context(), senders)
		if err != nil {
			t.Fatalf("check after %v: %v", y.kills, err)
		}
		y.checks++
		found = v
		if v.lost+v.doubled+v.differing > 0 {
			t.Fatalf("after %v: %d lost (%s), %d doubled, %d rows differ\n%s", y.kills, v.lost, v.firstLost, v.doubled, v.differing, v.firstDifference)
		}
	}
	for cycle := 1; time.Now().Before(until) && found.events < grown; cycle++ {
		kind := in.strike(dice, restart)
		y.kills[kind]++
		if cycle%every == 0 {
			check()
			fmt.Fprintf(os.Stderr, "soak: instance %d, %v left, %d kills; %d events and %d rows compared: all right\n",
				y.instances+1, time.Until(until).Round(time.Second), y.killed(), found.events, found.rows)
		}
	}
	end()
	sending.Wait()
	check()
	in.stop()
	y.instances++
	y.events += found.events
	y.rows += found.rows
	for _, s := range senders {
		y.acked += s.acked.Load()
		y.again += s.again.Load()
	}
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
	switch n := dice.IntN(20); {
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
		if _, err := in.run([]string{"PARLEY_CRASH_AT=replay." + point}, "replay"); !errors.As(err, &exit) || !killed(exit.ProcessState) {
			in.t.Errorf("a replay that is to be killed when %s: %v", point, err)
		}
		return "replay when " + point
	default:
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = in.run(nil, "replay") // what it works on is taken away
		}()
		kind := "parent during a replay"
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
