package disk

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// RunsFrom is why a machine's own disk is refused.
const RunsFrom = "this machine runs from it"

// mounted is one line of mountinfo.
type mounted struct {
	number, point, kind, source string
	options                     string // of the file system
}

// used is every block device that is in use, by number, with why: mounted,
// swapped to, or below something that is. The machine's own root goes first, so
// that its reason is the one that people read.
func (m Machine) used() (map[string]string, error) {
	mounts, err := m.mounts()
	if err != nil {
		return nil, err
	}
	used := map[string]string{}
	for _, f := range mounts {
		why := "it is mounted at " + f.point
		if system(f.point) {
			why = RunsFrom
		}
		m.use(used, mounts, f, why, 0)
	}
	text, err := os.ReadFile(m.at("proc/swaps"))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read what is swapped to: %w", err)
	}
	for l := range strings.Lines(string(text)) {
		f := strings.Fields(l)
		if len(f) < 2 || f[0] == "Filename" {
			continue
		}
		if f[1] == "file" {
			m.useFile(used, mounts, unescape(f[0]), "this machine swaps to it", 0)
			continue
		}
		m.useNumber(used, mounts, m.numberOf(unescape(f[0])), "this machine swaps to it", 0)
	}
	return used, nil
}

// system are the places without which the machine does not run.
func system(point string) bool {
	return point == "/" || point == "/usr" || point == "/boot" || strings.HasPrefix(point, "/boot/")
}

// deepest ends a chain of devices that goes round in a circle.
const deepest = 12

// use marks what a mount stands on.
func (m Machine) use(used map[string]string, all []mounted, f mounted, why string, depth int) {
	if depth > deepest {
		return
	}
	switch {
	case f.kind == "overlay":
		for _, o := range strings.Split(f.options, ",") {
			key, value, _ := strings.Cut(o, "=")
			if key != "lowerdir" && key != "upperdir" && key != "lowerdir+" {
				continue
			}
			for _, dir := range strings.Split(value, ":") {
				if dir != "" {
					m.useFile(used, all, dir, why, depth+1)
				}
			}
		}
	case strings.HasPrefix(f.number, "0:"): // btrfs and its like have no number of their own
		if strings.HasPrefix(f.source, "/dev/") {
			m.useNumber(used, all, m.numberOf(f.source), why, depth)
		}
	default:
		m.useNumber(used, all, f.number, why, depth)
	}
}

// useFile marks what a file or folder lies on: the mount with the longest
// matching place, the last one if they cover each other.
func (m Machine) useFile(used map[string]string, all []mounted, path, why string, depth int) {
	var best *mounted
	for i, f := range all {
		if f.point != "/" && path != f.point && !strings.HasPrefix(path, f.point+"/") {
			continue
		}
		if best == nil || len(f.point) >= len(best.point) {
			best = &all[i]
		}
	}
	if best != nil {
		m.use(used, all, *best, why, depth+1)
	}
}

// useNumber marks a block device, and what it is made of.
func (m Machine) useNumber(used map[string]string, all []mounted, number, why string, depth int) {
	if number == "" || depth > deepest {
		return
	}
	if used[number] == "" || strings.Contains(why, "runs from") {
		used[number] = why
	}
	dir := m.device(number)
	if dir == "" {
		return
	}
	if backing := line(dir, "loop/backing_file"); backing != "" {
		m.useFile(used, all, backing, why, depth+1)
	}
	below, _ := os.ReadDir(filepath.Join(dir, "slaves"))
	for _, b := range below {
		m.useNumber(used, all, line(dir, "slaves", b.Name(), "dev"), why, depth+1)
	}
}

// numberOf is the number of /dev/NAME, also by way of a link such as
// /dev/mapper/root.
func (m Machine) numberOf(path string) string {
	if real, err := filepath.EvalSymlinks(m.at(path)); err == nil {
		path = real
	}
	name := filepath.Base(path)
	if n := line(m.at("sys/class/block", name), "dev"); n != "" {
		return n
	}
	return line(m.at("sys/block", name), "dev")
}

func (m Machine) mounts() ([]mounted, error) {
	f, err := os.Open(m.at("proc/self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("read what is mounted: %w", err)
	}
	defer f.Close()
	var all []mounted
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		b, a := strings.Fields(before), strings.Fields(after)
		if !ok || len(b) < 5 || len(a) < 3 {
			return nil, fmt.Errorf("read what is mounted: line %d is not as expected", len(all)+1)
		}
		all = append(all, mounted{b[2], unescape(b[4]), a[0], unescape(a[1]), unescape(a[2])})
	}
	return all, lines.Err()
}

// unescape takes the kernel's \040 out of a path.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
