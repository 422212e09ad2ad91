package clickhouse

import "testing"

// TestNewFilesRaiseTheVersion lists how many files each version had: a file more
// is a version more.
func TestNewFilesRaiseTheVersion(t *testing.T) {
	files := []struct{ meta, projection int }{1: {2, 12}, 2: {2, 18}, 3: {2, 23}, 4: {2, 26}, 5: {2, 28}, 6: {2, 30}, 7: {4, 30}, 8: {4, 30}, 9: {4, 31}, 10: {4, 37}, 11: {5, 39}, 12: {5, 43}, 13: {5, 44}, 14: {5, 56}, 15: {5, 66}, 16: {5, 68}, 17: {5, 70}, 18: {5, 76}}
	if len(files) != Version+1 {
		t.Fatalf("version %d is not listed here", Version)
	}
	if now := files[Version]; now.meta != len(Meta()) || now.projection != len(Projection(1)) {
		t.Errorf("version %d has %d and %d files, and now there are %d and %d: raise Version, and add a line here",
			Version, now.meta, now.projection, len(Meta()), len(Projection(1)))
	}
}
