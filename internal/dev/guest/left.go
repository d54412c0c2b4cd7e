package guest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Left returns the processes that carry the mark: in their environment, their
// command line, or as the folder in which they stand. Zombies do not count.
func Left(mark string) map[int]string {
	left := map[int]string{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if pid == os.Getpid() || pid == 0 {
			continue
		}
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || len(line) == 0 {
			continue // gone, a zombie, or the kernel's own
		}
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		if bytes.Contains(line, []byte(mark)) || bytes.Contains(environ, []byte(mark)) || strings.Contains(cwd, mark) {
			left[pid] = strings.TrimSpace(string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return left
}

// Gone waits until no process carries the mark. Those that still do after the
// patience are killed and returned.
func Gone(ctx context.Context, mark string, patience time.Duration) map[int]string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		left := Left(mark)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			for pid := range left {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may just have gone
			}
			for n := 0; n < 40 && len(Left(mark)) > 0; n++ { // the kernel takes its time
				<-tick.C
			}
			return left
		}
	}
}
