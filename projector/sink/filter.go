package sink

import "math/bits"

// filter remembers hashes in about ten bits each: it may take a new one for a known one (about one
// in a hundred when full), but never the reverse. It never takes more than 400 MiB: with more than 220 million hashes
// it has fewer bits for each, and is wrong more often.
//
// It is a blocked Bloom filter: all bits of a hash lie in one cache line. Existing libraries would
// hash the hashes again, and spread the bits over memory.
type filter struct {
	blocks   []block
	probes   int // bits of a hash
	count    int
	capacity int
}

// block is one cache line of 512 bits.
type block [8]uint64

const (
	bitsPerHash  = 10
	bitsPerBlock = 512
	mostProbes   = 6
	mostBlocks   = 400 << 20 / (bitsPerBlock / 8)
	// leastHashes is the capacity of the smallest filter: 1.25 MiB.
	leastHashes = 1 << 20
)

// newFilter makes a filter with room for n hashes and half as many new ones.
func newFilter(n int) *filter { return filterWithin(n, mostBlocks) }

// filterWithin makes one of at most so many blocks.
func filterWithin(n, most int) *filter {
	capacity := max(leastHashes, n+n/2)
	blocks := min((capacity*bitsPerHash+bitsPerBlock-1)/bitsPerBlock, most)
	// A filter is wrong least often when half of its bits are set: with ln 2 = 0.69 probes for each bit that a hash has.
	best := blocks * bitsPerBlock / max(leastHashes, n) * 69 / 100
	return &filter{blocks: make([]block, blocks), probes: min(max(1, best), mostProbes), capacity: capacity}
}

// full reports that more hashes would make the filter unreliable.
func (f *filter) full() bool { return f.count >= f.capacity }

// add remembers a hash.
func (f *filter) add(hash uint64) {
	f.count++
	b, probe := f.place(hash)
	for range f.probes {
		b[probe>>6&7] |= 1 << (probe & 63)
		probe >>= 9
	}
}

// maybe reports whether the hash was added, or may have been.
func (f *filter) maybe(hash uint64) bool {
	b, probe := f.place(hash)
	for range f.probes {
		if b[probe>>6&7]&(1<<(probe&63)) == 0 {
			return false
		}
		probe >>= 9
	}
	return true
}

// place returns the block of a hash, and 54 bits that choose the bits in it.
func (f *filter) place(hash uint64) (*block, uint64) {
	at, _ := bits.Mul64(hash, uint64(len(f.blocks)))
	// An odd multiplier and the high half make bits that do not follow from the block.
	mixed := hash * 0x9E3779B97F4A7C15
	return &f.blocks[at], mixed ^ mixed>>32
}
