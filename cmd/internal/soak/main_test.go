package soak

import (
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }
