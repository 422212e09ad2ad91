package tables

import (
	"fmt"
	"slices"
	"testing"
)

// The model is every interleaving of a projector and two commands, each of which
// may crash between any two of its steps, over the rules of [Projections] as they
// are: only the waiting and the rows are simplified. A read and the insert that
// follows from it are two steps, so others come in between. A command may also be
// interrupted: it then ends its offer, and an insert under way is made or not.

// world is one state of everything.
type world struct {
	all      Projections
	position [8]int // of each version
	end      int    // of the log
	serve    serving
	commands [2]command
	crashes  int // still to come
	stops    int // interruptions of commands still to come
}

// serving is the projector of projector/lead: 0 is no version.
type serving struct {
	up            bool
	refuses       bool // the version that follows takes no rows
	current, next uint32
	live, offered uint32 // as read
	step          string
	turn
}

// turn is one under way: what was decided on what was read.
type turn struct {
	changes Projections
	stale   bool // another was taken since
}

// command is a replay, an undo or an erasure.
type command struct {
	kind     string
	step     string
	version  uint32
	from     uint32 // live when it was checked
	made     bool   // its version has been live since it was offered
	ending   string // what it reports when its offer has ended
	reported string
	turn
}

func (w world) clone() world {
	w.all = slices.Clone(w.all)
	return w
}

// key is equal for worlds that behave alike: turns count by their order.
func (w world) key() string {
	b := w.versions()
	s := w.serve
	b = append(b, byte(w.crashes), byte(w.stops), bit(s.up), bit(s.refuses), byte(s.current), byte(s.next), byte(s.live), byte(s.offered))
	b = s.brief(append(b, s.step...))
	for _, c := range w.commands {
		b = append(b, '|', byte(c.version), byte(c.from), bit(c.made))
		for _, word := range []string{c.kind, c.step, c.ending, c.reported} {
			b = append(append(b, word...), ',')
		}
		b = c.brief(b)
	}
	return string(b)
}

// versions is the part of the key that is about them.
func (w world) versions() []byte {
	turns := make([]uint64, 0, len(w.position))
	for _, p := range w.all {
		if !slices.Contains(turns, p.Turn) {
			turns = append(turns, p.Turn)
		}
	}
	slices.Sort(turns)
	b := make([]byte, 0, 256)
	for _, p := range w.all {
		b = append(append(b, p.Maker...), byte(p.Version), p.State[0], bit(p.WasLive), byte(slices.Index(turns, p.Turn)))
	}
	for _, at := range w.position {
		b = append(b, byte(at))
	}
	return append(b, byte(w.end))
}

func bit(is bool) byte {
	if is {
		return 1
	}
	return 0
}

func (t turn) brief(b []byte) []byte {
	if t.stale {
		return append(b, "stale"...)
	}
	for _, p := range t.changes {
		b = append(b, byte(p.Version), p.State[0])
	}
	return b
}

// take writes a turn that is not stale, as Tables.insert does.
func (w *world) take(t turn) bool {
	if t.stale {
		return false
	}
	if len(t.changes) == 0 {
		return true
	}
	next := w.all.turn() + 1
	for _, p := range t.changes {
		p.Turn, p.WasLive = next, p.WasLive || p.State == Alive || p.State == Kept
		if i := slices.IndexFunc(w.all, func(q Projection) bool { return q.Version == p.Version }); i >= 0 {
			w.all[i] = p
		} else {
			w.all = append(w.all, p)
		}
	}
	w.serve.stale = true
	for i := range w.commands {
		w.commands[i].stale = true
		if w.commands[i].version != 0 && w.all.Find(w.commands[i].version).State == Alive {
			w.commands[i].made = true
		}
	}
	return true
}

// after are the worlds one step on.
func (w world) after() (list []world) {
	add := func(step func(*world)) {
		next := w.clone()
		step(&next)
		list = append(list, next)
	}
	if w.end < 1 {
		add(func(w *world) { w.end++ })
	}
	if !w.serve.up {
		add(func(w *world) { w.serve = serving{up: true, refuses: w.serve.refuses, step: "read"} })
	} else {
		list = append(list, w.afterServe()...)
		if w.crashes > 0 {
			add(func(w *world) { w.crashes--; w.serve = serving{refuses: w.serve.refuses} })
		}
	}
	for i, c := range w.commands {
		if c.reported != "" {
			continue
		}
		list = append(list, w.afterCommand(i)...)
		if w.crashes > 0 {
			add(func(w *world) { w.crashes--; w.commands[i] = command{kind: c.kind, reported: "crashed"} })
		}
		if w.stops > 0 {
			list = append(list, w.afterStop(i)...)
		}
	}
	return list
}

// afterServe are the steps of lead.Leader.
func (w world) afterServe() (list []world) {
	n := w.clone()
	s := &n.serve
	if s.current != 0 {
		n.position[s.current] = n.end
	}
	if s.next != 0 && !s.refuses {
		n.position[s.next] = n.end
	}
	switch s.step {
	case "read":
		s.live, _ = n.all.Live()
		s.offered = n.all.Offered()
		s.step = "follow"
	case "follow":
		s.step = "read"
		switch {
		case s.current != s.live:
			s.current, s.next = s.live, 0
		case s.next != s.offered:
			s.next = s.offered
		case s.next != 0 && s.refuses: // it waits for as long as the offer stays
		case s.next != 0:
			fails := n.clone()
			fails.serve.step, fails.serve.current = "withdraw", 0
			list = append(list, fails)
			s.step, s.current = "stopped", 0
		}
	case "stopped": // the current version is not projected any more
		from := s.live
		if n.position[s.next] < n.position[from] {
			s.step = "withdraw"
			break
		}
		changes, err := n.all.swap(s.next, from)
		s.step, s.turn = "swap", turn{changes: changes}
		if err != nil {
			s.step = "withdraw"
		}
	case "swap":
		switch {
		case !n.take(s.turn):
			s.step = "stopped"
		default:
			s.current, s.next, s.step = s.next, 0, "read"
		}
	case "withdraw":
		changes, _ := n.all.withdraw(s.next, "failed")
		s.step, s.turn = "withdrawn", turn{changes: changes}
	case "withdrawn":
		s.step = "withdraw"
		if n.take(s.turn) {
			s.next, s.step = 0, "read"
		}
	}
	return append(list, n)
}

// afterCommand are the steps of replay.Rebuild and erase.Erasure.
func (w world) afterCommand(i int) (list []world) {
	n := w.clone()
	c := &n.commands[i]
	decide := func(step string, changes Projections, err error) {
		c.step, c.turn = step, turn{changes: changes}
		if err != nil {
			c.reported = "failed"
		}
	}
	takes := func(done, again string) {
		c.step = again
		if n.take(c.turn) {
			n.commands[i].step = done
		}
	}
	switch c.step {
	case "begin":
		switch version, changes := n.all.begin(c.kind); {
		case c.kind == "undo":
			if c.version = n.all.Before(); c.version == 0 {
				c.reported = "failed"
			}
			c.step = "offer"
		case version >= uint32(len(n.position)):
			return nil // out of the model
		default:
			c.version = version
			decide("begun", changes, nil)
		}
	case "begun":
		takes("build", "begin")
	case "build":
		n.position[c.version] = n.end
		c.step = "offer"
	case "offer":
		changes, err := n.all.offer(c.version)
		decide("offered", changes, err)
	case "offered":
		takes("wait", "offer")
	case "wait":
		switch n.all.Find(c.version).State {
		case Alive:
			c.step = "live"
		case Offered:
			c.step = "catch up" // it gets the lease
		default:
			c.step, c.ending = "withdraw", "failed"
		}
	case "withdraw":
		changes, err := n.all.withdraw(c.version, "")
		decide("withdrawn", changes, err)
	case "withdrawn":
		if takes("", "withdraw"); c.step == "" {
			c.reported = c.ending
		}
	case "catch up":
		c.from, _ = n.all.Live()
		if c.step = "live"; c.from != c.version {
			c.step = "reached"
			n.position[c.version] = n.end
		}
	case "reached":
		changes, err := n.all.swap(c.version, c.from)
		if decide("swap", changes, nil); err != nil {
			c.step, c.ending = "withdraw", "failed"
		}
	case "swap":
		takes("live", "reached")
	case "live":
		if c.kind == "undo" {
			c.reported = "done"
			break
		}
		keep := []uint32{c.version}
		if c.kind == "replay" {
			keep = append(keep, 1)
		}
		changes, err := n.all.dropAllBut(keep...)
		decide("drop", changes, err)
	case "drop":
		takes("end", "live")
	case "end":
		c.reported = "done"
	}
	return append(list, n)
}

// afterStop are the worlds in which a command is interrupted where it is.
func (w world) afterStop(i int) (list []world) {
	before := w
	before.stops--
	worlds := []world{before.clone()}
	if c := w.commands[i]; c.step == "begun" || c.step == "offered" || c.step == "swap" || c.step == "drop" {
		made := before.clone()
		made.take(c.turn)
		worlds = append(worlds, made)
	}
	for _, n := range worlds {
		switch c := &n.commands[i]; c.step {
		case "withdraw", "withdrawn": // it ends by itself
			continue
		case "offer", "offered", "wait", "catch up", "reached", "swap":
			c.step, c.ending = "withdraw", "interrupted"
		default:
			c.reported = "interrupted"
		}
		list = append(list, n)
	}
	return list
}

// wrong says what must not be in a world that came from another.
func (w world) wrong(before world) string {
	in := map[State]int{}
	for _, p := range w.all {
		in[p.State]++
	}
	if in[Alive] != 1 || in[Offered] > 1 {
		return fmt.Sprintf("%d versions are live, %d are offered", in[Alive], in[Offered])
	}
	if in[Offered] > 0 && w.ended() && w.commands[0].reported != "crashed" && w.commands[1].reported != "crashed" {
		return "a command leaves its offer"
	}
	live, _ := w.all.Live()
	if was, _ := before.all.Live(); was != live && before.serve.step == "swap" && w.serve.step != "swap" && w.position[live] < w.position[was] {
		return "the projection goes back"
	}
	for _, p := range before.all {
		if p.State == Dropped && w.all.Find(p.Version).State != Dropped {
			return "a dropped version returns"
		}
	}
	for i, c := range w.commands {
		if c.reported == "done" && !c.made {
			return "success is reported of a version that was never live"
		}
		if c.kind == "erasure" && before.commands[i].step == "drop" && c.step == "end" {
			for _, p := range w.all {
				if p.Version != c.version && p.State != Dropped {
					return "an erasure leaves a version"
				}
			}
		}
	}
	return ""
}

// ended reports whether no command runs any more.
func (w world) ended() bool { return w.commands[0].reported != "" && w.commands[1].reported != "" }

// escapes lets one more command run, now that all tables take rows, without a projector and beside one: it
// must succeed, whatever state the others have left.
func (w world) escapes(kind string) string {
	if kind == "undo" && !slices.ContainsFunc(w.all, func(p Projection) bool {
		return p.WasLive && p.State != Alive && p.State != Dropped
	}) {
		return ""
	}
	for _, projects := range []bool{false, true} {
		w := w.clone()
		w.crashes, w.stops, w.serve = 0, 0, serving{up: projects, step: "read"}
		w.commands = [2]command{{kind: kind, step: "begin"}, {reported: "done", made: true}}
		for range 60 {
			if w.commands[0].reported != "" {
				break
			}
			if projects {
				steps := w.afterServe()
				w = steps[len(steps)-1] // without a failure
			}
			if next := w.afterCommand(0); len(next) > 0 {
				w = next[0]
			}
		}
		if c := w.commands[0]; c.reported != "done" {
			return fmt.Sprintf("no %s gets out of it (projector: %t): %s %s", kind, projects, c.step, c.reported)
		}
	}
	return ""
}

// settles lets the projector alone go on: it must come to project the live
// version, whatever it was doing and whatever fails.
func (w world) settles() string {
	w = w.clone()
	for range 20 {
		if !w.serve.up {
			w.serve = serving{up: true, refuses: w.serve.refuses, step: "read"}
		}
		live, _ := w.all.Live()
		if w.serve.step == "read" && w.serve.current == live && w.serve.next == w.all.Offered() && (w.serve.next == 0 || w.serve.refuses) && w.position[live] == w.end {
			return ""
		}
		next := w.afterServe()
		if len(next) == 0 {
			return "the projector waits forever"
		}
		w = next[0] // a failure where there can be one
	}
	return "the projector does not come to project the live version"
}

func TestEveryInterleavingLeavesOneLiveVersionThatIsProjected(t *testing.T) {
	states := 0
	for _, c := range []struct {
		kinds          [2]string
		refuses        bool // the version that follows takes no rows
		crashes, stops int
	}{
		{[2]string{"replay", "undo"}, false, 1, 0},
		{[2]string{"replay", "undo"}, false, 0, 1},
		{[2]string{"undo", "erasure"}, true, 1, 0},
		{[2]string{"undo", "erasure"}, true, 0, 1},
	} {
		begin := world{
			all: Projections{
				{Version: 1, State: Kept, WasLive: true, Turn: 1},
				{Version: 2, State: Alive, WasLive: true, Turn: 2},
			},
			serve: serving{up: true, refuses: c.refuses, step: "read"}, crashes: c.crashes, stops: c.stops,
		}
		for i, kind := range c.kinds {
			begin.commands[i] = command{kind: kind, step: "begin"}
		}
		found := explore(t, begin)
		t.Logf("%v, %d crashes, %d interruptions: %d states", c.kinds, c.crashes, c.stops, found)
		states += found
	}
	t.Logf("%d states", states)
}

// explore checks all that can come of a world, and counts it.
func explore(t *testing.T, begin world) int {
	seen, escaped := map[string]bool{begin.key(): true}, map[string]bool{}
	for queue := []world{begin}; len(queue) > 0; queue = queue[1:] {
		for _, next := range queue[0].after() {
			if fault := next.wrong(queue[0]); fault != "" {
				t.Fatalf("%s\nbefore %+v\nafter  %+v", fault, queue[0], next)
			}
			key := next.key()
			if seen[key] {
				continue
			}
			if fault := next.settles(); fault != "" {
				t.Fatalf("%s\nfrom %+v", fault, next)
			}
			if left := string(next.versions()); next.ended() && !escaped[left] {
				for _, kind := range []string{"undo", "replay"} {
					if fault := next.escapes(kind); fault != "" {
						t.Fatalf("%s\nfrom %+v", fault, next)
					}
				}
				escaped[left] = true
			}
			seen[key] = true
			queue = append(queue, next)
		}
	}
	return len(seen)
}
