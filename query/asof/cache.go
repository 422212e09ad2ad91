package asof

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/parley-analytics/parley/query"
)

const (
	// Idle is how long an overlay that nobody uses is kept.
	Idle = 5 * time.Minute
	// MostCached is the most bytes of events whose folds are kept.
	MostCached = 512 << 20
)

// Cache keeps overlays between questions. It is safe for concurrent use.
type Cache struct {
	tables Tables

	mu         sync.Mutex
	projection uint32 // the live one: overlays of others are not kept
	kept       map[string]*kept
	used       uint64 // counts uses
}

type kept struct {
	overlay *Overlay
	used    uint64
	bytes   int
	expiry  *time.Timer
}

// NewCache returns a cache of overlays over the tables.
func NewCache(tables Tables) *Cache { return &Cache{tables: tables, kept: map[string]*kept{}} }

// Overlay returns the overlay of a scope: a new one, if none is kept.
func (c *Cache) Overlay(scope query.Scope) *Overlay {
	name, err := json.Marshal(scope)
	if err != nil {
		panic(err) // plain data
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[string(name)]
	if k == nil {
		k = &kept{overlay: newOverlay(c.tables, scope)}
		if scope.Projection == c.projection {
			c.kept[string(name)] = k
			k.expiry = time.AfterFunc(Idle, func() { c.expire(string(name), k) })
		}
	}
	c.used++
	k.used = c.used
	if k.expiry != nil {
		k.expiry.Reset(Idle)
	}
	return k.overlay
}

// Used notes how large an overlay is, and drops those that were not used for the longest time while
// all together are too large.
func (c *Cache) Used(o *Overlay) {
	bytes := 0
	select {
	case <-o.turn:
		bytes = o.bytes
		o.leave()
	default: // someone else completes it, and notes it
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	all := 0
	for _, k := range c.kept {
		if k.overlay == o {
			k.bytes = bytes
		}
		all += k.bytes
	}
	for all > MostCached {
		oldest := ""
		for name, k := range c.kept {
			if oldest == "" || k.used < c.kept[oldest].used {
				oldest = name
			}
		}
		all -= c.kept[oldest].bytes
		c.drop(oldest)
	}
}

// Live drops the overlays of every other version of the projection.
func (c *Cache) Live(projection uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.projection == projection {
		return
	}
	c.projection = projection
	for name := range c.kept {
		c.drop(name)
	}
}

// Close drops all overlays.
func (c *Cache) Close() { c.Live(0) }

func (c *Cache) expire(name string, k *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[name] == k {
		c.drop(name)
	}
}

// drop forgets an overlay; a statement that uses it goes on.
func (c *Cache) drop(name string) {
	c.kept[name].expiry.Stop()
	delete(c.kept, name)
}
