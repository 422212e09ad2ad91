package memory

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	quietCheck = 15 * time.Second
	// quietBytes is how much may be allocated between two checks in quiet times.
	quietBytes = 32 << 20
	// spareBytes is the minimum amount of spare memory worth returning.
	spareBytes = 48 << 20
)

// Default is the soft limit of a command without --memory, in MiB: the same as the flag's default.
const Default = 384

// SetLimit sets the soft limit of the heap, unless GOMEMLIMIT has set it.
func SetLimit(mebibytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" && mebibytes > 0 {
		debug.SetMemoryLimit(mebibytes << 20)
	}
}

// ReturnSpare returns memory left over from a burst to the system in quiet
// times, until ctx ends.
func ReturnSpare(ctx context.Context) error {
	ticks := time.NewTicker(quietCheck)
	defer ticks.Stop()
	sample := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	var before uint64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		metrics.Read(sample)
		allocated, live, objects, free := sample[0].Value.Uint64(), sample[1].Value.Uint64(), sample[2].Value.Uint64(), sample[3].Value.Uint64()
		quiet := allocated-before < quietBytes
		before = allocated
		if quiet && free+max(objects, live)-live > spareBytes {
			debug.FreeOSMemory()
		}
	}
}
