package transport

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
)

// persisted keeps documents under their SHA-256, so that clients send the hash
// alone. It is bounded in documents and bytes; the least recently used one
// makes room, and the client sends the document again.
type persisted struct {
	documents, bytes int

	mu     sync.Mutex
	byHash map[string]*list.Element
	order  *list.List // of persistedDocument, most recently used first
	held   int        // bytes
}

type persistedDocument struct{ hash, text string }

func newPersisted(limits *Limits) *persisted {
	return &persisted{
		documents: limits.Documents, bytes: limits.DocumentBytes,
		byHash: make(map[string]*list.Element), order: list.New(),
	}
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
		return &refusal{code: codeBadInput, message: "extensions.persistedQuery.sha256Hash: must be a SHA-256 in hexadecimal digits", status: http.StatusBadRequest}
	case asked.hasQuery:
		if sum := sha256.Sum256([]byte(asked.query)); hex.EncodeToString(sum[:]) != hash {
			return &refusal{code: codeBadInput, message: "extensions.persistedQuery.sha256Hash: is not that of the query", status: http.StatusBadRequest}
		}
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.byHash[hash]
	if !ok {
		// The message is what clients look for.
		return &refusal{code: codePersistedNotFound, message: "PersistedQueryNotFound"}
	}
	p.order.MoveToFront(e)
	asked.query = e.Value.(persistedDocument).text
	return nil
}

func (p *persisted) keep(asked *parameters) {
	if asked.persisted == nil || !asked.hasQuery || len(asked.query) > p.bytes {
		return
	}
	hash := asked.persisted.SHA256Hash
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.byHash[hash]; ok {
		return
	}
	p.byHash[hash] = p.order.PushFront(persistedDocument{hash, asked.query})
	p.held += len(asked.query)
	for p.order.Len() > p.documents || p.held > p.bytes {
		oldest := p.order.Back()
		old := oldest.Value.(persistedDocument)
		p.order.Remove(oldest)
		delete(p.byHash, old.hash)
		p.held -= len(old.text)
	}
}
