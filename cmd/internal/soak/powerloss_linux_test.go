//go:build powerloss

package soak

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

var powerCuts = flag.Int("power-cuts", 8, "how often the power is cut")

// disk is an ext4 of its own, in a file, on which the power can be cut.
type disk struct {
	t            testing.TB
	image, mount string
}

func newDisk(t testing.TB) *disk {
	t.Helper()
	dir := t.TempDir()
	d := &disk{t, filepath.Join(dir, "image"), filepath.Join(dir, "disk")}
	for _, command := range [][]string{{"truncate", "-s", "3G", d.image}, {"mkfs.ext4", "-q", "-m", "0", d.image}, {"mkdir", d.mount}} {
		d.do(command...)
	}
	d.attach()
	t.Cleanup(func() { _ = exec.Command("umount", "-l", d.mount).Run() })
	return d
}

func (d *disk) do(command ...string) {
	d.t.Helper()
	if output, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %v\n%s", command, err, output)
	}
}

// attach mounts with rare commits: what is not synced stays in memory.
func (d *disk) attach() { d.do("mount", "-o", "loop,commit=300", d.image, d.mount) }

// cut ends all writing at once, and forgets what was not synced: the ioctl that
// file systems are tested with, EXT4_IOC_SHUTDOWN without a flush of the journal.
func (d *disk) cut() {
	d.t.Helper()
	folder, err := os.Open(d.mount)
	if err != nil {
		d.t.Fatal(err)
	}
	defer folder.Close()
	const shutdown, noFlush = 0x8004587d, 2
	flag := uint32(noFlush)
	_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, folder.Fd(), shutdown, uintptr(unsafe.Pointer(&flag)))
	runtime.KeepAlive(&flag)
	if failed != 0 {
		d.t.Fatal(failed)
	}
}

// revive mounts what is on the disk now.
func (d *disk) revive() {
	d.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for exec.Command("umount", d.mount).Run() != nil {
		if time.Now().After(deadline) {
			d.t.Fatal("the disk is still in use")
		}
		time.Sleep(100 * time.Millisecond)
	}
	d.attach()
}

// halt stops processes where they are. Without power nobody acknowledges any
// more, while here an fsync that has begun can end well during the cut, though its
// transaction is thrown away: jbd2 then finds none to wait for.
func halt(t testing.TB, pids ...int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		if pid <= 0 {
			t.Fatal("a process that is to lose its power does not run")
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		for running(t, pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d does not stop", pid)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// running reports whether a thread of a process still does something of its
// own: those inside a call of the kernel (D) stop before they return from it.
func running(t testing.TB, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		// The state follows the name, which is in parentheses.
		if _, state, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')'):]), " "); !strings.HasPrefix(state, "T") && !strings.HasPrefix(state, "D") {
			return true
		}
	}
	return false
}

// TestPowerLoss cuts the power under load, again and again: only what was synced
// is there afterwards. Nothing acknowledged is lost, and the tables are what the
// log says. It needs root, for a disk of its own: make powerloss.
func TestPowerLoss(t *testing.T) {
	// That the disk forgets at all is tried first.
	d := newDisk(t)
	if err := os.WriteFile(filepath.Join(d.mount, "unsynced"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.cut()
	d.revive()
	if _, err := os.Stat(filepath.Join(d.mount, "unsynced")); err == nil {
		t.Fatal("a file that was not synced is still there: the test would show nothing")
	}

	in := newInstance(t, build(t))
	in.dir = filepath.Join(d.mount, "data")
	l := underLoad(t, in, usual)
	for cycle := range *powerCuts {
		l.awaitAcknowledged(2000)
		time.Sleep(time.Duration(cycle*137%700) * time.Millisecond) // so that the cuts fall anywhere
		child := in.child()
		halt(t, in.pid(), child)
		d.cut()
		in.kill(in.pid())
		in.kill(child)
		in.await()
		d.revive()
		if !in.start() {
			t.Fatal("serve has not started after the power came back")
		}
		l.awaitMissing("", "")
		l.compareAll()
	}
	fmt.Fprintf(os.Stderr, "soak: the power was cut %d times, %d events acknowledged: nothing lost, doubled or differing\n", *powerCuts, l.acknowledged())
}
