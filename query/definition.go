package query

import (
	"sync"

	"github.com/parley-analytics/parley/schema/definition"
)

// definitionVersion is the version of the definitions of the figures.
var definitionVersion = sync.OnceValue(func() int32 { return int32(definition.Read().Version) })

// DefinitionVersion resolves the field.
func (m *Metrics) DefinitionVersion() int32 { return definitionVersion() }

// DefinitionVersion resolves the field.
func (c *Concurrency) DefinitionVersion() int32 { return definitionVersion() }

// DefinitionVersion resolves the field.
func (t *TransferCount) DefinitionVersion() int32 { return definitionVersion() }
