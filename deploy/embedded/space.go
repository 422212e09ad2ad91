package embedded

import (
	"fmt"
	"syscall"
)

const (
	// keptFree is the space that the engines leave free, in bytes, on a large disk; on others it is a hundredth, but not less than leastKept.
	keptFree  = 256 << 20
	leastKept = 32 << 20
)

// KeptFree returns the space, in bytes, that the engines leave free on the disk of a folder; asked above 0 is what was asked for. Below it,
// ClickHouse refuses inserts while it can still merge and delete; below twice as much the log should take no events, so that the tables can
// take those that it has.
func KeptFree(dir string, asked int64) (int64, error) {
	if asked > 0 {
		return asked, nil
	}
	_, size, err := space(dir)
	return max(leastKept, min(keptFree, size/100)), err
}

// Room returns an error if the disk of a folder has less than so many bytes free.
func Room(dir string, least int64) error {
	free, _, err := space(dir)
	if err != nil {
		return err
	}
	if free < least {
		return fmt.Errorf("only %d MiB are free on the disk of %s, and events are accepted from %d MiB on: free space there", free>>20, dir, least>>20)
	}
	return nil
}

// space returns the free and the whole space of the disk of a folder, in bytes.
func space(dir string) (free, size int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	unit := int64(fs.Bsize) //nolint:unconvert // another type on macOS
	return int64(fs.Bavail) * unit, int64(fs.Blocks) * unit, nil
}
