package timezone_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema/timezone"
)

// The file and the version that it is said to be of change together only.
func TestTheVersionMatchesTheFile(t *testing.T) {
	content, err := os.ReadFile("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	got := timezone.Version + " " + hex.EncodeToString(sum[:])
	if want := "2025c 8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestExactNamesAreTaken(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "US/Pacific", "Etc/GMT+12", "Asia/Calcutta", "Asia/Kolkata", "EST5EDT", "Pacific/Kanton"} {
		zone, err := timezone.Load(name)
		if err != nil || zone.String() != name {
			t.Errorf("%s: %v %v", name, zone, err)
		}
	}
	for _, name := range timezone.Names() {
		if _, err := timezone.Load(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(timezone.Names()); n < 590 {
		t.Errorf("%d names", n)
	}
	for _, name := range []string{
		"", " ", "Local", "local", "LOCAL", "utc", "Utc", "europe/paris", "EUROPE/PARIS", "Europe/paris", "Europe", "Europe/", "Europe/Paris/", "/Europe/Paris",
		"./Europe/Paris", "../zoneinfo/Europe/Paris", "Europe/../Europe/Paris", "posix/Europe/Paris", "right/Europe/Paris", "posixrules", "zone.tab",
		"/etc/localtime", "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris ", "Europe/Paris\x00", "+02:00", "UTC+2", "Mars/Base", "CEST",
	} {
		if zone, err := timezone.Load(name); err == nil {
			t.Errorf("%q is taken as %s", name, zone)
		}
	}
}

// TestTheMachinesFilesAreNotUsed puts other zones where Go looks for them.
func TestTheMachinesFilesAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("ZONEINFO", dir)
	if err := os.Mkdir(dir+"/Europe", 0o700); err != nil {
		t.Fatal(err)
	}
	// The least file of a zone: UTC forever.
	utc := "TZif" + strings.Repeat("\x00", 35) + "\x01\x00\x00\x00\x04" + "\x00\x00\x00\x00\x00\x00" + "UTC\x00"
	if err := os.WriteFile(dir+"/Europe/Paris", []byte(utc), 0o600); err != nil {
		t.Fatal(err)
	}
	if fooled, err := time.LoadLocation("Europe/Paris"); err != nil || !time.Unix(0, 0).In(fooled).Equal(time.Unix(0, 0)) {
		t.Fatal(err)
	}
	zone, err := timezone.Load("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	if _, offset := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).In(zone).Zone(); offset != 3600 {
		t.Errorf("Paris is %d s east of UTC in January", offset)
	}
}

func TestDaysBeginWhereTheDateIsFirstShown(t *testing.T) {
	for _, c := range []struct {
		zone             string
		year, month, day int
		want             string
	}{
		{"Europe/Paris", 2024, 3, 31, "2024-03-30T23:00:00Z"},
		{"Europe/Paris", 2024, 13, 1, "2024-12-31T23:00:00Z"},
		{"America/St_Johns", 2010, 11, 7, "2010-11-07T02:30:00Z"}, // 00:00, again at 03:30Z
		{"America/St_Johns", 2010, 11, 8, "2010-11-08T03:30:00Z"},
		{"America/Sao_Paulo", 2018, 11, 4, "2018-11-04T03:00:00Z"}, // 00:00 is left out
		{"America/Sao_Paulo", 2018, 2, 18, "2018-02-18T03:00:00Z"}, // 24:00 is 23:00 again
		{"Pacific/Apia", 2011, 12, 30, "2011-12-30T10:00:00Z"},     // the day is left out
		{"Pacific/Apia", 2011, 12, 31, "2011-12-30T10:00:00Z"},
	} {
		zone, err := timezone.Load(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := timezone.StartOfDay(c.year, time.Month(c.month), c.day, zone).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s %d-%d-%d begins %s, want %s", c.zone, c.year, c.month, c.day, got, c.want)
		}
	}
}

// TestEvenUntilIsLater walks every zone from change to change, over the ends of
// leap years too, and looks into every stretch for another offset.
func TestEvenUntilIsLater(t *testing.T) {
	first, last := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2045, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range timezone.Names() {
		zone, err := timezone.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := first.In(zone); at.Before(last); {
			until, ends := timezone.EvenUntil(at)
			if !ends {
				break
			}
			if !until.After(at) {
				t.Fatalf("%s: even from %s until %s", name, at, until)
			}
			_, offset := at.Zone()
			for look := at; look.Before(until); look = look.Add(27*time.Hour + 13*time.Minute) {
				if _, other := look.Zone(); other != offset {
					t.Fatalf("%s: %d s at %s, %d s at %s", name, offset, at, other, look)
				}
			}
			if _, other := until.Add(-1).Zone(); other != offset {
				t.Fatalf("%s: the clock changes before %s", name, until)
			}
			at = until
		}
	}
}
