package main

import (
	"fmt"
	"time"

	"github.com/parley-analytics/parley/query/transport"
)

// limitFlags limit the resources of one request and of one credential.
// Their defaults are those of transport.DefaultLimits.
type limitFlags struct {
	QueryBodyBytes     int64 `help:"Maximum size of a request body, in bytes." file:"query.limits.body-bytes" default:"1048576"`
	QueryDocumentBytes int   `help:"Maximum size of a document, in bytes." file:"query.limits.document-bytes" default:"131072"`
	QueryTokens        int   `help:"Maximum number of tokens in a document." file:"query.limits.tokens" default:"20000"`
	QueryDepth         int   `help:"Maximum depth of nested fields." file:"query.limits.depth" default:"20"`
	QuerySelections    int   `help:"Maximum number of fields and fragments in an operation, with fragments expanded." file:"query.limits.selections" default:"2000"`
	QueryAliases       int   `help:"Maximum number of aliases in an operation." file:"query.limits.aliases" default:"200"`
	QueryRootFields    int   `help:"Maximum number of fields of Query in an operation." file:"query.limits.root-fields" default:"50"`

	QueryAnswerBytes int64 `help:"Maximum size of an answer, in bytes. Also bounds the memory of all answers together." file:"query.limits.answer-bytes" default:"16777216"`

	QueryTimeout      time.Duration `help:"Maximum duration of a request, including its ClickHouse statements." group:"Queries" default:"30s"`
	QueryBodyTimeout  time.Duration `help:"Maximum time to read a request body." file:"query.limits.body-timeout" default:"15s"`
	QueryWriteTimeout time.Duration `help:"Maximum time for the client to read an answer." file:"query.limits.write-timeout" default:"60s"`

	QueryParallel int           `help:"Maximum number of concurrent requests per credential." file:"query.limits.parallel" default:"8"`
	QueryWaiting  int           `help:"Maximum number of queued requests per credential." file:"query.limits.waiting" default:"64"`
	QueryMaxWait  time.Duration `help:"Maximum time in the queue before a request is answered THROTTLED." file:"query.limits.max-wait" default:"10s"`
	QueryBudget   int           `help:"Maximum cost points a credential can hold." file:"query.limits.budget" default:"2000000"`
	QueryRestore  int           `help:"Cost points restored per second." file:"query.limits.restore" default:"50000"`
	QueryPageSize int           `help:"Page size assumed for cost when a query sets neither first nor last." file:"query.limits.page-size" default:"100"`
	QueryListSize int           `help:"List length assumed for cost of a list without pages." file:"query.limits.list-size" default:"5"`

	QueryCallers         int `help:"Number of credentials whose budgets are kept in memory." file:"query.limits.callers" default:"10000"`
	QueryPersisted       int `help:"Number of persisted documents (APQ) kept in memory." file:"query.limits.persisted" default:"1000"`
	QueryPersistedMemory int `help:"Maximum memory for persisted documents, in bytes." file:"query.limits.persisted-memory" default:"16777216"`
}

// Validate refuses limits under which no request could be answered.
func (f *limitFlags) Validate() error {
	for _, limit := range []struct {
		name         string
		value, least int64
	}{
		{"query.limits.body-bytes", f.QueryBodyBytes, 1},
		{"query.limits.document-bytes", int64(f.QueryDocumentBytes), 1},
		{"query.limits.tokens", int64(f.QueryTokens), 1},
		{"query.limits.depth", int64(f.QueryDepth), 1},
		{"query.limits.selections", int64(f.QuerySelections), 1},
		{"query.limits.aliases", int64(f.QueryAliases), 0},
		{"query.limits.root-fields", int64(f.QueryRootFields), 1},
		{"query.limits.answer-bytes", f.QueryAnswerBytes, 1},
		{"query-timeout", int64(f.QueryTimeout), 1},
		{"query.limits.body-timeout", int64(f.QueryBodyTimeout), 1},
		{"query.limits.write-timeout", int64(f.QueryWriteTimeout), 1},
		{"query.limits.parallel", int64(f.QueryParallel), 1},
		{"query.limits.waiting", int64(f.QueryWaiting), 0},
		{"query.limits.max-wait", int64(f.QueryMaxWait), 0},
		{"query.limits.budget", int64(f.QueryBudget), 1},
		{"query.limits.restore", int64(f.QueryRestore), 1},
		{"query.limits.page-size", int64(f.QueryPageSize), 1},
		{"query.limits.list-size", int64(f.QueryListSize), 1},
		{"query.limits.callers", int64(f.QueryCallers), 1},
		{"query.limits.persisted", int64(f.QueryPersisted), 0},
		{"query.limits.persisted-memory", int64(f.QueryPersistedMemory), 0},
	} {
		if limit.value < limit.least {
			if limit.least == 0 {
				return fmt.Errorf("limits of queries: %s must not be negative", limit.name)
			}
			return fmt.Errorf("limits of queries: %s must be greater than 0", limit.name)
		}
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
