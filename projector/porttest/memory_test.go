package porttest_test

import (
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

func TestTheLogInMemoryIsALog(t *testing.T) {
	porttest.Logs(t, func(*testing.T) porttest.LogSubject {
		log := porttest.NewLog()
		return porttest.LogSubject{
			Log:     log,
			Append:  func(_ *testing.T, payloads ...[]byte) { log.Append(time.Now(), payloads...) },
			Discard: func(_ *testing.T, sequence schema.Sequence) { log.Discard(sequence) },
		}
	})
}

func TestTheTablesInMemoryAreASink(t *testing.T) {
	porttest.Sinks(t, func(*testing.T) porttest.SinkSubject {
		tables := porttest.NewTables()
		return porttest.SinkSubject{
			Open:          func(*testing.T) (projector.Sink, projector.Archive) { return tables, tables },
			Conversations: func(*testing.T) []porttest.Seen { return tables.Seen() },
		}
	})
}
