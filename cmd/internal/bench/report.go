package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// spread is what the rounds of one measurement gave.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Rounds int     `json:"rounds"`
}

func spreadOf(values []float64) *spread {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	return &spread{Median: quantile(sorted, 0.5), Low: sorted[0], High: sorted[len(sorted)-1], Rounds: len(sorted)}
}

// quantile interpolates between the ranks of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// figure is a row of the table.
type figure struct {
	Line    string  `json:"line"`
	What    string  `json:"what"`
	Unit    string  `json:"unit,omitempty"`
	Ours    *spread `json:"ours,omitempty"`
	FloorOf string  `json:"floorOf,omitempty"`
	Floor   *spread `json:"floor,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"`
	Goal    string  `json:"goal,omitempty"`
	Met     *bool   `json:"met,omitempty"`
	Note    string  `json:"note,omitempty"`
	Failed  string  `json:"failed,omitempty"`
}

// against sets the floor and the ratio of the medians.
func (f figure) against(of string, floor *spread) figure {
	f.FloorOf, f.Floor = of, floor
	if f.Ours != nil && floor != nil && floor.Median > 0 {
		f.Ratio = f.Ours.Median / floor.Median
	}
	return f
}

// goal returns the target and whether it was met.
func (f figure) goal(text string, met bool) figure {
	f.Goal, f.Met = text, &met
	return f
}

// report is the table.
type report struct {
	Began    time.Time `json:"began"`
	Took     string    `json:"took"`
	Machine  string    `json:"machine"`
	Events   int       `json:"events"`
	Load     string    `json:"loadAtBegin"`
	Figures  []figure  `json:"figures"`
	showNext io.Writer
}

func newReport(s settings) *report {
	return &report{
		Began:   time.Now().Truncate(time.Second),
		Machine: fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		Events:  s.events, Load: loadAverage(), showNext: os.Stderr,
	}
}

// loadAverage is the load average of the machine, if available.
func loadAverage() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	fields := strings.Fields(string(content))
	return strings.Join(fields[:min(3, len(fields))], " ")
}

func (r *report) add(f figure) {
	r.Figures = append(r.Figures, f)
	fmt.Fprintln(r.showNext, f.row())
}

func (r *report) failed() int {
	n := 0
	for _, f := range r.Figures {
		if f.Failed != "" {
			n++
		}
	}
	return n
}

// write writes the table to a writer and to files.
func (r *report) write(dir string, out io.Writer) error {
	slices.SortStableFunc(r.Figures, func(a, b figure) int { return cmp.Compare(a.Line, b.Line) })
	r.Took = time.Since(r.Began).Round(time.Second).String()
	text := r.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.md"), []byte(text), 0o644); err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bench.json"), append(encoded, '\n'), 0o644)
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# parley bench\n\n%s, %s; %d events; load at the beginning %s; took %s.\n\n",
		r.Began.Format(time.RFC3339), r.Machine, r.Events, r.Load, r.Took)
	b.WriteString("| line | what | ours | floor | ratio | goal | note |\n|---|---|---|---|---|---|---|\n")
	for _, f := range r.Figures {
		b.WriteString(f.row() + "\n")
	}
	return b.String()
}

func (f figure) row() string {
	if f.Failed != "" {
		return fmt.Sprintf("| %s | %s | FAILED: %s |  |  |  |  |", f.Line, f.What, strings.NewReplacer("|", "/", "\n", " ").Replace(f.Failed))
	}
	floor, ratio, goal := "", "", f.Goal
	if f.Floor != nil {
		floor = f.Floor.show(f.Unit) + " " + f.FloorOf
		ratio = fmt.Sprintf("%.2f", f.Ratio)
	}
	if f.Met != nil {
		goal += map[bool]string{true: " (met)", false: " (NOT MET)"}[*f.Met]
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |", f.Line, f.What, f.Ours.show(f.Unit), floor, ratio, goal, f.Note)
}

func (s *spread) show(unit string) string {
	if s == nil {
		return ""
	}
	if s.Rounds < 2 {
		return number(s.Median) + " " + unit
	}
	return fmt.Sprintf("%s %s (%s–%s)", number(s.Median), unit, number(s.Low), number(s.High))
}

// number is short and readable: 12,300 or 4.56.
func number(v float64) string {
	switch {
	case v >= 1000:
		digits := fmt.Sprintf("%.0f", v)
		for at := len(digits) - 3; at > 0; at -= 3 {
			digits = digits[:at] + "," + digits[at:]
		}
		return digits
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
