package soak

import (
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
	duration = flag.Duration("duration", 20*time.Second, "how long to go on killing")
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

func TestNothingAcknowledgedIsLostDoubledOrWrong(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d, duration %v: go test ./cmd/internal/soak -seed %d -duration %v", seed, *duration, seed, *duration)
	binary := build(t)
	dice := rand.New(rand.NewPCG(seed, 7))
	h := newHouse(t, binary)

	// The very first start is killed too: in the middle of the migrations.
	kills := map[string]int{}
	early := time.AfterFunc(time.Duration(800+dice.IntN(1500))*time.Millisecond, func() { h.kill(h.pid()) })
	if !h.start() {
		kills["while migrating"]++
		h.start()
	}
	early.Stop()
	var key map[string]string
	h.read("admin-key.json", &key)

	var base atomic.Value
	base.Store(h.url)
	var gate sync.RWMutex
	stop := make(chan struct{})
	var sending sync.WaitGroup
	var senders []*sender
	for n := range 3 {
		s := &sender{house: h, number: n, seed: dice.Uint64(), pace: 100 * time.Millisecond, gate: &gate, key: key,
			base: func() string { return base.Load().(string) }, keys: map[schema.EventKey]bool{}}
		senders = append(senders, s)
		sending.Go(func() { s.run(stop) })
	}
	t.Cleanup(sending.Wait)
	end := sync.OnceFunc(func() { close(stop) })
	t.Cleanup(end)

	restart := func(env ...string) {
		for !h.start(env...) {
			env = nil // it has crashed while starting: enough
		}
		base.Store(h.url)
	}
	var total verdict
	checks := 0
	check := func() {
		gate.Lock()
		defer gate.Unlock()
		v, err := h.check(t.Context(), senders)
		if err != nil {
			t.Fatalf("check after %v: %v", kills, err)
		}
		checks++
		total = v
		if v.lost+v.doubled+v.differing > 0 {
			t.Fatalf("after %v: %d lost (%s), %d doubled, %d rows differ\n%s", kills, v.lost, v.firstLost, v.doubled, v.differing, v.firstDifference)
		}
	}
	began := time.Now()
	for cycle := 1; time.Since(began) < *duration; cycle++ {
		kind := h.strike(dice, restart)
		kills[kind]++
		if cycle%every == 0 {
			check()
			fmt.Fprintf(os.Stderr, "soak: %v, %d cycles, %d events, %d rows compared: all right\n",
				time.Since(began).Round(time.Second), cycle, total.events, total.rows)
		}
	}
	end()
	sending.Wait()
	check()
	h.stop()

	var acked, again int64
	for _, s := range senders {
		acked += s.acked.Load()
		again += s.again.Load()
	}
	strikes := 0
	for _, n := range kills {
		strikes += n
	}
	summary := fmt.Sprintf("soak: seed %d, %v, %d kills, %d checks; %d events acknowledged, %d requests sent again; %d distinct events, %d rows compared; 0 lost, 0 doubled, 0 differing",
		seed, time.Since(began).Round(time.Second), strikes, checks, acked, again, total.events, total.rows)
	for _, kind := range slices.Sorted(maps.Keys(kills)) {
		summary += fmt.Sprintf("\nsoak:   %4d %s", kills[kind], kind)
	}
	fmt.Fprintln(os.Stderr, summary)
	if total.events == 0 || total.rows == 0 {
		t.Fatal("nothing was sent: the run shows nothing")
	}
}

// strike kills in one of the ways, and brings serve up again.
func (h *house) strike(dice *rand.Rand, restart func(env ...string)) string {
	pause := func() { time.Sleep(time.Duration(dice.IntN(1500)) * time.Millisecond) } // so that kills fall anywhere
	points := []string{"keys", "rows", "events", "position"}
	switch n := dice.IntN(20); {
	case n < 4:
		pause()
		h.kill(h.pid())
		h.await()
		restart()
		return "parent alone"
	case n < 8:
		pause()
		child := h.child()
		h.kill(h.pid())
		h.kill(child)
		h.await()
		restart()
		return "parent and ClickHouse"
	case n < 12:
		pause()
		h.kill(h.child())
		return "ClickHouse alone"
	case n < 16:
		point := points[dice.IntN(len(points))]
		h.stop()
		restart(fmt.Sprintf("PARLEY_CRASH_AT=write.%s:%d", point, 1+dice.IntN(6)))
		select {
		case <-h.exited:
		case <-time.After(5 * time.Second):
			h.kill(h.pid())
		}
		h.await()
		restart()
		return "after " + point
	case n < 17:
		h.kill(h.pid())
		h.await()
		hit := make(chan int, 1)
		timer := time.AfterFunc(time.Duration(dice.IntN(2500))*time.Millisecond, func() {
			pid := h.pid()
			h.kill(pid)
			hit <- pid
		})
		restart()
		if !timer.Stop() && <-hit == h.pid() { // it was ready already
			h.await()
			restart()
		}
		return "while starting"
	case n < 18:
		h.stop()
		restart()
		return "stopped by SIGTERM"
	case n < 19:
		point := []string{"built", "compared", "offered"}[dice.IntN(3)]
		_, _ = h.run([]string{"PARLEY_CRASH_AT=replay." + point}, "replay") // it is killed
		return "replay when " + point
	default:
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = h.run(nil, "replay") // what it works on is taken away
		}()
		pause()
		h.kill(h.pid())
		h.await()
		restart()
		<-done
		return "parent during a replay"
	}
}
