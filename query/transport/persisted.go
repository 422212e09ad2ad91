package transport

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// persisted keeps documents under their SHA-256, so that clients send the hash
// alone. It is bounded in documents and bytes; the least recently used one
// makes room, and the client sends the document again.
type persisted struct {
	bytes int

	mu     sync.Mutex
	byHash *simplelru.LRU[string, string]
	held   int // bytes
}

func newPersisted(limits *Limits) *persisted {
	p := &persisted{bytes: limits.DocumentBytes}
	// NewLRU fails for a size below 1 only.
	p.byHash, _ = simplelru.NewLRU(max(limits.Documents, 1), func(_, text string) { p.held -= len(text) })
	return p
}

// resolve finds the document that a request means. One that came with its hash
// is kept by keep, once it is known to be good.
func (p *persisted) resolve(asked *parameters) *refusal {
	if asked.persisted == nil {
		return nil
	}
	hash := asked.persisted.SHA256Hash
	switch {
	case asked.persisted.Version != 1:
		return &refusal{code: codeBadInput, message: "extensions.persistedQuery.version: must be 1", status: http.StatusBadRequest}
	case len(hash) != 2*sha256.Size:
		return &refusal{code: codeBadInput, message: "extensions.persistedQuery.sha256Hash: must be a SHA-256 in hexadecimal", status: http.StatusBadRequest}
	case asked.hasQuery:
		if sum := sha256.Sum256([]byte(asked.query)); hex.EncodeToString(sum[:]) != hash {
			return &refusal{code: codeBadInput, message: "extensions.persistedQuery.sha256Hash: does not match the query", status: http.StatusBadRequest}
		}
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	text, ok := p.byHash.Get(hash)
	if !ok {
		// Clients look for this message.
		return &refusal{code: codePersistedNotFound, message: "PersistedQueryNotFound"}
	}
	asked.query = text
	return nil
}

func (p *persisted) keep(asked *parameters) {
	if asked.persisted == nil || !asked.hasQuery || len(asked.query) > p.bytes {
		return
	}
	hash := asked.persisted.SHA256Hash
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byHash.Contains(hash) {
		return
	}
	p.held += len(asked.query)
	p.byHash.Add(hash, asked.query)
	for p.held > p.bytes {
		p.byHash.RemoveOldest()
	}
}
