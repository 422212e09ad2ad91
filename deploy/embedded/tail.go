package embedded

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

const (
	tailSize = 2 << 10  // bytes kept to report why it ended
	lineSize = 16 << 10 // bytes a line may have until it is cut
)

// tail receives the child's output: each line goes to the log, the last ones are kept. What follows "(query: " is cut off because
// it may contain personal data.
type tail struct {
	log *slog.Logger

	mu   sync.Mutex
	part []byte // a line not ended yet
	kept []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part = append(t.part, b...)
	for {
		line, rest, found := bytes.Cut(t.part, []byte("\n"))
		if !found && len(t.part) <= lineSize {
			return len(b), nil
		}
		t.part = append([]byte(nil), rest...)
		t.line(line)
	}
}

func (t *tail) line(line []byte) {
	text := strings.TrimSpace(string(line))
	if before, _, found := strings.Cut(text, "(query: "); found {
		text = before + "(query left out)"
	}
	if text == "" {
		return
	}
	t.log.Warn(text)
	t.kept = append(append(t.kept, text...), "; "...)
	if over := len(t.kept) - tailSize; over > 0 {
		t.kept = t.kept[over:]
	}
}

// String returns the end of the output, on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSuffix(strings.ToValidUTF8(string(t.kept)+strings.TrimSpace(string(t.part)), ""), "; ")
}
