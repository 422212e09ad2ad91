package sink

import (
	"math/rand/v2"
	"testing"
)

func TestFilterForgetsNothingAndIsRarelyWrong(t *testing.T) {
	const n = leastHashes
	f := newFilter(0)
	random := rand.New(rand.NewPCG(1, 2))
	added := make([]uint64, n)
	for i := range added {
		added[i] = random.Uint64()
		f.add(added[i])
	}
	if !f.full() {
		t.Error("the filter is not full")
	}
	for _, hash := range added {
		if !f.maybe(hash) {
			t.Fatalf("%x is forgotten", hash)
		}
	}
	wrong := 0
	for range n {
		if f.maybe(random.Uint64()) {
			wrong++
		}
	}
	if rate := float64(wrong) / n; rate > 0.02 {
		t.Errorf("%.2f%% of new hashes are taken for known ones", rate*100)
	} else {
		t.Logf("%.2f%% of new hashes are taken for known ones", rate*100)
	}
	if bits := len(f.blocks) * bitsPerBlock; bits > n*bitsPerHash+bitsPerBlock {
		t.Errorf("%d bits for %d hashes", bits, n)
	}
}

func TestFilterHasRoomForHalfAsManyMore(t *testing.T) {
	if f := newFilter(10 << 20); f.capacity != 15<<20 {
		t.Errorf("room for %d", f.capacity)
	}
}

func BenchmarkFilter(b *testing.B) {
	f := newFilter(10_000_000)
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		h := random.Uint64()
		if !f.maybe(h) {
			f.add(h)
		}
	}
}
