package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/parley-analytics/parley/schema"
)

// progressEvery is the interval between lines on a pipe.
const progressEvery = 2 * time.Second

// Bar shows long work: a bar with rate and time left on a terminal, lines
// on a pipe. Several goroutines may add to it.
type Bar struct {
	out   io.Writer
	what  string
	unit  string
	bar   *progressbar.ProgressBar // nil on a pipe
	start time.Time

	mu     sync.Mutex
	done   int64
	total  int64
	spoken time.Time
}

// New starts a bar for about total units of work.
func New(out io.Writer, what, unit string, total int64) *Bar {
	p := &Bar{out: out, what: what, unit: unit, total: total, start: time.Now(), spoken: time.Now()}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionShowIts(),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30),
			progressbar.OptionUseANSICodes(true),
		)
	}
	return p
}

// Add counts n more units.
func (p *Bar) Add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += int64(n)
	if p.bar != nil {
		_ = p.bar.Set64(min(p.done, p.total-1)) // Finish shows the end
		return
	}
	if time.Since(p.spoken) >= progressEvery {
		p.spoken = time.Now()
		p.speak()
	}
}

// Reach sets the position; the total may grow.
func (p *Bar) Reach(done, all schema.Sequence) {
	p.mu.Lock()
	p.total = int64(all)
	step := int64(done) - p.done
	p.mu.Unlock()
	if p.bar != nil {
		p.bar.ChangeMax64(int64(all))
	}
	p.Add(int(step))
}

// Finish prints the final count.
func (p *Bar) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.ChangeMax64(p.done)
		_ = p.bar.Set64(p.done)
		_ = p.bar.Finish()
		fmt.Fprintln(p.out)
		return
	}
	spent := time.Since(p.start)
	fmt.Fprintf(p.out, "%s: %d %s in %s, %.0f/s\n", p.what, p.done, p.unit, spent.Round(time.Millisecond), p.rate())
}

func (p *Bar) speak() {
	left := "?"
	if rate := p.rate(); rate > 0 {
		left = time.Duration(float64(max(0, p.total-p.done)) / rate * float64(time.Second)).Round(time.Second).String()
	}
	fmt.Fprintf(p.out, "%s: %d of about %d %s, %.0f/s, %s left\n", p.what, p.done, p.total, p.unit, p.rate(), left)
}

func (p *Bar) rate() float64 {
	return float64(p.done) / max(time.Since(p.start).Seconds(), 1e-9)
}

// Steps shows work that consists of several consecutive steps.
type Steps struct {
	Out  io.Writer
	name string
	bar  *Bar
}

// Reach sets the position of a step; a new step ends the one before.
func (s *Steps) Reach(step string, done, all schema.Sequence) {
	if s.name != step {
		s.Finish()
		s.name, s.bar = step, New(s.Out, step, "entries", int64(all))
	}
	s.bar.Reach(done, all)
}

// Finish ends the last step.
func (s *Steps) Finish() {
	if s.bar != nil {
		s.bar.Finish()
	}
	s.name, s.bar = "", nil
}
