package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticks is the kernel's clock for processor time: USER_HZ, 100 on every
// machine that Debian runs on.
const ticks = 100

// field reads "name: number" from a file of /proc/PID.
func field(pid int, file, name string) (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			words := strings.Fields(rest)
			if len(words) > 0 {
				return strconv.ParseFloat(words[0], 64)
			}
		}
	}
	return 0, fmt.Errorf("there is no %s in %s", name, f.Name())
}

// rss is the resident memory of one process, in KiB.
func rss(pid int) (float64, error) { return field(pid, "status", "VmRSS") }

// written is how many bytes one process had written to disk.
func written(pid int) (float64, error) { return field(pid, "io", "write_bytes") }

// worked is the processor time of one process, without its children.
func worked(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	words := strings.Fields(rest)
	if !ok || len(words) < 13 {
		return 0, errors.New("the kernel's line about the process is unclear")
	}
	user, err := strconv.Atoi(words[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(words[12])
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * time.Second / ticks, nil
}

// stackPSS is the memory of a process and all below it, shared pages counted
// once, in KiB.
func stackPSS(root int) (float64, error) {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if parent, err := field(pid, "status", "PPid"); err == nil {
			children[int(parent)] = append(children[int(parent)], pid)
		}
	}
	sum, queue := 0.0, []int{root}
	for len(queue) > 0 {
		pid := queue[0]
		queue = append(queue[1:], children[pid]...)
		pss, err := field(pid, "smaps_rollup", "Pss")
		if err != nil {
			if errors.Is(err, os.ErrNotExist) {
				continue // it ended
			}
			return 0, err
		}
		sum += pss
	}
	return sum, nil
}
