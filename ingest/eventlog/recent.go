package eventlog

import (
	"encoding/base64"
	"sync"

	"github.com/parley-analytics/parley/schema"
)

// RememberedIDs is the minimum number of message ids that a process remembers, of those it has
// appended or read ([Stream.Remember]): about 40 MB when full.
const RememberedIDs = 1 << 18

// recent remembers the sequences of message ids, for the ids that
// were added last. It has two halves: when the younger is full the older one
// is dropped, so it holds between size and twice size of them.
type recent struct {
	mu         sync.Mutex
	size       int
	young, old map[[16]byte]schema.Sequence
}

func newRecent(size int) *recent {
	return &recent{size: size, young: make(map[[16]byte]schema.Sequence)}
}

// find returns the sequence of a message that is known to be stored.
func (r *recent) find(id string) (schema.Sequence, bool) {
	key, ok := recentKey(id)
	if !ok {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, known := r.young[key]
	if !known {
		at, known = r.old[key]
	}
	return at, known
}

// add notes that a message is on disk. Ids that [MessageID] did not make are
// not remembered.
func (r *recent) add(id string, at schema.Sequence) {
	key, ok := recentKey(id)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young) >= r.size {
		r.young, r.old = make(map[[16]byte]schema.Sequence, r.size), r.young
	}
	r.young[key] = at
}

// forget drops everything, because the log is a different one.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.young, r.old = make(map[[16]byte]schema.Sequence), nil
}

func recentKey(id string) (key [16]byte, ok bool) {
	if len(id) != 22 {
		return key, false
	}
	var buffer [18]byte
	n, err := base64.RawURLEncoding.Decode(buffer[:], []byte(id))
	copy(key[:], buffer[:])
	return key, err == nil && n == len(key)
}
