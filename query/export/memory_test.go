package export_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/export"
)

// rowsOfSize are more rows than fit into what an export may hold.
const rowsOfSize = 200_000

// TestMemoryDoesNotGrowWithTheRows exports many conversations in each format
// and looks at the memory of both sides meanwhile.
func TestMemoryDoesNotGrowWithTheRows(t *testing.T) {
	r := theRig(t)
	r.server.Exec(t, fmt.Sprintf(`INSERT INTO parley_1.conversations
		(project_id, conversation_id, created_at, closed_at, _began_at, channel, language, visitor_id, custom_data, contact_count, tag_ids, tag_names,
		user_ids, revenue, transaction_count, satisfaction_comment, event_count, first_sequence, last_sequence, _version)
		SELECT 900, toString(UUIDNumToString(CAST(sipHash128(number), 'FixedString(16)'))), toDateTime64(1600000000 + number, 3, 'UTC'),
		toDateTime64(1600000300 + number, 3, 'UTC'), toDateTime64(1600000000 + number, 3, 'UTC'), 'CHAT', 'fr', toString(sipHash64(number)),
		map('order', toString(number)), 2, ['vip', toString(number %% 50)], ['VIP', NULL], [number %% 100], map('EUR', toDecimal128(number, 4) / 100), 1,
		repeat('Comment of the visitor ', number %% 8), 12, number, number, number FROM numbers(%d)`, rowsOfSize))
	server := r.serve(t, nil)
	for _, format := range []string{"ndjson", "csv", "parquet"} {
		done := make(chan struct{})
		var inClickHouse uint64
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for {
				select {
				case <-done:
					return
				case <-time.After(20 * time.Millisecond):
				}
				said, err := r.server.Query(r.server.Writer, "SELECT max(peak_memory_usage) FROM system.processes WHERE user = '"+r.server.Reader.Name+"'")
				if err != nil {
					t.Error(err)
					return
				}
				if n, wrong := strconv.ParseUint(strings.TrimSpace(said), 10, 64); wrong == nil {
					inClickHouse = max(inClickHouse, n)
				}
			}
		}()
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL+export.Path+"conversations?count=true&projectIds=900&format="+format, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Projects", "900")
		began := time.Now()
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var bytes int64
		peak := uint64(0)
		for {
			n, err := io.CopyN(io.Discard, response.Body, 4<<20)
			bytes += n
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_ = response.Body.Close()
		close(done)
		<-watched
		grown := (int64(peak) - int64(before.HeapAlloc)) >> 20
		t.Logf("%s: %d MiB in %s; %d MiB here, %d MiB in ClickHouse", format, bytes>>20, time.Since(began).Round(time.Millisecond), grown, inClickHouse>>20)
		if response.Header.Get(export.HeaderRows) != strconv.Itoa(rowsOfSize) || bytes < 8<<20 {
			t.Errorf("%s: %v, %d bytes", format, response.Header, bytes)
		}
		if grown > 48 || inClickHouse > 128<<20 || inClickHouse == 0 {
			t.Errorf("%s: %d MiB here, %d MiB in ClickHouse", format, grown, inClickHouse>>20)
		}
	}
}
