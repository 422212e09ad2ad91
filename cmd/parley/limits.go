package main

import (
	"errors"
	"time"

	"github.com/parley-analytics/parley/query/transport"
)

// limitFlags bound what one request, and one credential, can ask of the API.
// Their defaults are those of transport.DefaultLimits.
type limitFlags struct {
	QueryBodyBytes     int64 `help:"Longest body of a request, in bytes." group:"Queries" default:"1048576"`
	QueryDocumentBytes int   `help:"Longest document, in bytes." group:"Queries" default:"131072"`
	QueryTokens        int   `help:"Most tokens of a document." group:"Queries" default:"20000"`
	QueryDepth         int   `help:"Most levels of fields." group:"Queries" default:"20"`
	QuerySelections    int   `help:"Most fields and fragments of an operation, fragments put in place." group:"Queries" default:"2000"`
	QueryAliases       int   `help:"Most aliases of an operation." group:"Queries" default:"200"`
	QueryRootFields    int   `help:"Most fields of Query in an operation." group:"Queries" default:"50"`

	QueryAnswerBytes int64 `help:"Maximum size of an answer, in bytes. Also bounds the memory of all answers together." group:"Queries" default:"16777216"`

	QueryTimeout      time.Duration `help:"Most time of one request; its statements in ClickHouse end with it." group:"Queries" default:"30s"`
	QueryBodyTimeout  time.Duration `help:"Most time for a body to arrive." group:"Queries" default:"15s"`
	QueryWriteTimeout time.Duration `help:"Most time for an answer to be read." group:"Queries" default:"60s"`

	QueryParallel int           `help:"Requests of one credential that run at a time." group:"Queries" default:"8"`
	QueryWaiting  int           `help:"Requests of one credential that may wait for a place." group:"Queries" default:"64"`
	QueryMaxWait  time.Duration `help:"Longest that one waits, then it is THROTTLED." group:"Queries" default:"10s"`
	QueryBudget   int           `help:"Most points of cost that a credential can have." group:"Queries" default:"2000000"`
	QueryRestore  int           `help:"Points that come back to it a second." group:"Queries" default:"50000"`
	QueryPageSize int           `help:"Rows that a page is priced at which names neither first nor last." group:"Queries" default:"100"`
	QueryListSize int           `help:"Rows that a list without pages is priced at." group:"Queries" default:"5"`

	QueryCallers         int `help:"Credentials whose budgets are remembered." group:"Queries" default:"10000"`
	QueryPersisted       int `help:"Persisted documents (APQ) that are remembered." group:"Queries" default:"1000"`
	QueryPersistedMemory int `help:"Most memory of them, in bytes." group:"Queries" default:"16777216"`
}

// Validate refuses limits under which nothing could be answered.
func (f *limitFlags) Validate() error {
	least := []int{
		int(f.QueryBodyBytes), f.QueryDocumentBytes, f.QueryTokens, f.QueryDepth, f.QuerySelections, f.QueryRootFields,
		int(f.QueryAnswerBytes), int(f.QueryTimeout), int(f.QueryBodyTimeout), int(f.QueryWriteTimeout),
		f.QueryParallel, f.QueryBudget, f.QueryRestore, f.QueryPageSize, f.QueryListSize, f.QueryCallers,
	}
	for _, limit := range least {
		if limit < 1 {
			return errors.New("limits of queries must be above 0; only --query-aliases, --query-waiting, --query-max-wait and --query-persisted may be 0")
		}
	}
	if f.QueryAliases < 0 || f.QueryWaiting < 0 || f.QueryMaxWait < 0 || f.QueryPersisted < 0 || f.QueryPersistedMemory < 0 {
		return errors.New("limits of queries must not be negative")
	}
	return nil
}

func (f *limitFlags) limits() transport.Limits {
	return transport.Limits{
		AnswerBytes: f.QueryAnswerBytes,
		BodyBytes:   f.QueryBodyBytes, QueryBytes: f.QueryDocumentBytes, Tokens: f.QueryTokens,
		Depth: f.QueryDepth, Selections: f.QuerySelections, Aliases: f.QueryAliases, RootFields: f.QueryRootFields,
		BodyTime: f.QueryBodyTimeout, Time: f.QueryTimeout, WriteTime: f.QueryWriteTimeout,
		Concurrent: f.QueryParallel, Waiting: f.QueryWaiting, MaxWait: f.QueryMaxWait,
		Budget: f.QueryBudget, Restore: f.QueryRestore,
		PageSize: f.QueryPageSize, ListSize: f.QueryListSize,
		Callers: f.QueryCallers, Documents: f.QueryPersisted, DocumentBytes: f.QueryPersistedMemory,
	}
}
