package timezone

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Version is the version of the database.
const Version = "2025c"

//go:embed zoneinfo.zip
var archive []byte

// files are the zones by name.
var files = sync.OnceValue(func() map[string]*zip.File {
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		panic("timezone: " + err.Error()) // it is part of the binary
	}
	zones := make(map[string]*zip.File, len(reader.File))
	for _, f := range reader.File {
		if !strings.HasSuffix(f.Name, "/") {
			zones[f.Name] = f
		}
	}
	return zones
})

// Load finds a zone by its name, canonical or an alias.
func Load(name string) (*time.Location, error) {
	f := files()[name]
	if f == nil {
		return nil, fmt.Errorf("must be the name of a time zone in the IANA database %s, for example Europe/Paris", Version)
	}
	content, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}

// Names lists the names that Load takes, ascending.
func Names() []string { return slices.Sorted(maps.Keys(files())) }

// StartOfDay is the first moment at which a clock of the zone shows the date or a
// later one: midnight, or the moment at which a clock change skips it. Where
// the clock is put back over midnight, that is the first of the two midnights.
// Month and day may be outside their ranges, as in [time.Date].
func StartOfDay(year int, month time.Month, day int, zone *time.Location) time.Time {
	const around = 48 * time.Hour // wider than any offset plus a skipped day
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	at := midnight.Add(-around).In(zone)
	for {
		_, offset := at.Zone()
		reached := midnight.Add(-time.Duration(offset) * time.Second)
		if reached.Before(at) {
			reached = at
		}
		until, ends := EvenUntil(at)
		if !ends || reached.Before(until) {
			return reached.In(zone)
		}
		at = until
	}
}

// EvenUntil returns a moment after t, in t's zone, up to which the clock runs
// evenly: its offset from UTC is the same. It is the moment of the next change,
// or an earlier one. It returns false if the offset never changes again.
func EvenUntil(t time.Time) (time.Time, bool) {
	_, end := t.ZoneBounds()
	if end.IsZero() {
		return time.Time{}, false
	}
	if !end.After(t) {
		// On the last day of a leap year, ZoneBounds returns the beginning of that day for zones
		// with a rule for clock changes: it takes each year to have 365 days.
		end = time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC).In(t.Location())
	}
	return end, true
}
