package sink

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
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

// TestAFilterOfABillionStaysBelow500MB fills a filter a hundred times smaller in the same proportion.
func TestAFilterOfABillionStaysBelow500MB(t *testing.T) {
	const n = 10_000_000
	if bytes := len(newFilter(100*n).blocks) * bitsPerBlock / 8; bytes > 500_000_000 {
		t.Errorf("%d bytes for %d hashes", bytes, 100*n)
	}
	f := filterWithin(n, mostBlocks/100)
	if whole := newFilter(100 * n); f.probes != whole.probes {
		t.Errorf("%d probes, and %d in the small one", whole.probes, f.probes)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range n {
		f.add(random.Uint64())
	}
	again := rand.New(rand.NewPCG(3, 4))
	for range n {
		if hash := again.Uint64(); !f.maybe(hash) {
			t.Fatalf("%x is forgotten", hash)
		}
	}
	wrong := 0
	for range n / 10 {
		if f.maybe(random.Uint64()) {
			wrong++
		}
	}
	if rate := float64(wrong) / (n / 10); rate > 0.25 {
		t.Errorf("%.1f%% of new hashes are taken for known ones", rate*100)
	}
}

// BenchmarkFilter fills filters and then looks new hashes up.
func BenchmarkFilter(b *testing.B) {
	for _, n := range []int{10_000_000, 100_000_000, 1_000_000_000} {
		b.Run(fmt.Sprintf("hashes=%d", n), func(b *testing.B) {
			f := newFilter(n)
			random := rand.New(rand.NewPCG(1, 2))
			began := time.Now()
			for range n {
				f.add(random.Uint64())
			}
			filled := time.Since(began)
			wrong, looks := 0, 0
			for b.Loop() {
				if looks++; f.maybe(random.Uint64()) {
					wrong++
				}
			}
			b.ReportMetric(float64(filled.Nanoseconds())/float64(n), "ns/add")
			b.ReportMetric(float64(len(f.blocks)*bitsPerBlock/8)/(1<<20), "MiB")
			b.ReportMetric(float64(len(f.blocks)*bitsPerBlock/8)/float64(n), "B/hash")
			b.ReportMetric(100*float64(wrong)/float64(looks), "%wrong")
		})
	}
}
