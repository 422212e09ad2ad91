package ingest

import (
	"bytes"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// BenchmarkIngest sends NDJSON over HTTP to a log that syncs always.
func BenchmarkIngest(b *testing.B) {
	for _, c := range []struct{ events, senders int }{{1, 1}, {1, 64}, {100, 16}, {1000, 4}} {
		b.Run(fmt.Sprintf("%dx%d", c.events, c.senders), func(b *testing.B) {
			r := newRigOn(b, enginetest.NATS(b, enginetest.SyncAlways()))
			transport := &http.Transport{MaxIdleConnsPerHost: c.senders}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			var next atomic.Int64
			b.SetParallelism(max(1, c.senders/2)) // times GOMAXPROCS
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var body bytes.Buffer
				for pb.Next() {
					body.Reset()
					for range c.events {
						body.WriteString(event(fmt.Sprint(next.Add(1)), "DONE", "VISITOR_DROPPED_OFF_SCENARIO_AND_SOME_MORE_TEXT_TO_REACH_THE_USUAL_LENGTH_OF_AN_EVENT_OF_400_BYTES"))
						body.WriteByte('\n')
					}
					request, err := http.NewRequest(http.MethodPost, r.http.URL+Path, &body)
					if err != nil {
						b.Error(err)
						return
					}
					request.Header.Set("Content-Type", typeLines)
					request.Header.Set("X-Api-Id", "sender")
					response, err := client.Do(request)
					if err != nil {
						b.Error(err)
						return
					}
					response.Body.Close()
					if response.StatusCode != http.StatusAccepted {
						b.Errorf("status %d", response.StatusCode)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N*c.events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
