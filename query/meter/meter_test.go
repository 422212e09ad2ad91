package meter_test

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/meter"
)

func TestPointsAreObjectsKilobytesRowsAndPrices(t *testing.T) {
	m := meter.New(meter.Limits{Answer: 1 << 20, Loaded: 1 << 20}, nil)
	m.Write(10 << 10)
	m.Read(5_000)
	m.Charge(7)
	if got := m.Points(); got != 4*10+5+7 {
		t.Errorf("points = %d", got)
	}
	if got := m.Costs(100, 3<<10); got != 100+4*3+5+7 {
		t.Errorf("costs = %d", got)
	}
}

func TestACancelledStatementIsCountedByItsTime(t *testing.T) {
	m := meter.New(meter.Limits{}, nil)
	m.ReadFor(30 * time.Second)
	if got := m.Points(); got != 600_000 {
		t.Errorf("points = %d", got)
	}
}

func TestAnAnswerAboveItsLimitStops(t *testing.T) {
	m := meter.New(meter.Limits{Answer: 100, Loaded: 100}, nil)
	m.Write(100)
	if m.Cause() != nil {
		t.Fatal("stopped at the limit")
	}
	defer func() {
		stopped, ok := recover().(meter.Stopped)
		if !ok || !errors.Is(stopped.Cause, meter.ErrTooLarge) || !errors.Is(m.Cause(), meter.ErrTooLarge) {
			t.Errorf("%v, %v", stopped, m.Cause())
		}
	}()
	m.Write(1)
	t.Error("it did not stop")
}

func TestRowsAboveTheirLimitStop(t *testing.T) {
	m := meter.New(meter.Limits{Answer: 100, Loaded: 100}, nil)
	if err := m.Load(100); err != nil {
		t.Fatal(err)
	}
	if err := m.Load(1); !errors.Is(err, meter.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

func TestWithoutAMeterNothingStops(t *testing.T) {
	var m *meter.Meter
	m.Write(1 << 40)
	m.Read(1)
	m.ReadFor(time.Second)
	m.Charge(1)
	if err := m.Load(1 << 40); err != nil || m.Cause() != nil {
		t.Error(err, m.Cause())
	}
}
