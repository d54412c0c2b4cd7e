// Package trace watches file systems while a session runs and compares what
// changed with a table of what may: each row says why it is there and why it
// holds nothing of a client.
//
// It is for the trace hunt (make traces, and a scenario of the same name). It
// never reads a file. What happens inside a session's sandbox is not seen: its
// file systems are its own.
//
// Caveats: without root it sees only folders that this user can write, and a
// folder that comes and goes at once may hide what was in it; as root it sees
// every file system, and every program of the machine with it.
package trace

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// Change is something that happened to a path.
type Change struct {
	Path string
	What string // created, modified, deleted, moved, attributes
	UID  int    // whose program did it; -1 if that cannot be told
}

// Row explains paths.
type Row struct {
	// Pattern is a path in which names in capitals stand for folders (see
	// Places), * for a part of a name, and ** at the end for all below.
	Pattern string
	Why     string // why it changes
	Empty   string // why it holds nothing of a client
}

// Places are the folders behind the names in capitals.
type Places map[string]string

// Name writes a path with the names of places, the longest that fits first.
func (p Places) Name(file string) string {
	best, named := "", file
	for name, dir := range p {
		if dir != "" && len(dir) > len(best) && (file == dir || strings.HasPrefix(file, dir+"/")) {
			best, named = dir, name+strings.TrimPrefix(file, dir)
		}
	}
	return named
}

// match reports whether the row explains the named path.
func (r Row) match(named string) bool {
	if dir, ok := strings.CutSuffix(r.Pattern, "/**"); ok {
		for at := named; at != "." && at != "/"; at = path.Dir(at) {
			if hit, err := path.Match(dir, at); err == nil && hit {
				return true
			}
		}
		return false
	}
	hit, err := path.Match(r.Pattern, named)
	return err == nil && hit
}

// Line is one line of the hunt's result.
type Line struct {
	Path  string // with the names of places
	What  []string
	Times int
	Row   *Row // nil if nothing explains it
}

// Explain sorts changes by path and finds each one's row.
func Explain(changes []Change, places Places, rows []Row) []Line {
	lines := map[string]*Line{}
	for _, c := range changes {
		named := places.Name(c.Path)
		l := lines[named]
		if l == nil {
			l = &Line{Path: named}
			if i := slices.IndexFunc(rows, func(r Row) bool { return r.match(named) }); i >= 0 {
				l.Row = &rows[i]
			}
			lines[named] = l
		}
		l.Times++
		if !slices.Contains(l.What, c.What) {
			l.What = append(l.What, c.What)
		}
	}
	var all []Line
	for _, l := range lines {
		slices.Sort(l.What)
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b Line) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Unexplained are the lines without a row.
func Unexplained(lines []Line) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Row != nil })
}

// Table is the result for people: one line for each row that was used, with
// how many paths it explains, and then every path that nothing explains.
func Table(lines []Line) string {
	var b strings.Builder
	type used struct{ paths, times int }
	rows := map[*Row]used{}
	var order []*Row
	for _, l := range lines {
		if l.Row == nil {
			continue
		}
		u, ok := rows[l.Row]
		if !ok {
			order = append(order, l.Row)
		}
		rows[l.Row] = used{u.paths + 1, u.times + l.Times}
	}
	for _, r := range order {
		fmt.Fprintf(&b, "%-28s %3d paths, %5d changes: %s; %s\n", r.Pattern, rows[r].paths, rows[r].times, r.Why, r.Empty)
	}
	for _, l := range Unexplained(lines) {
		fmt.Fprintf(&b, "UNEXPLAINED %s (%s, %d times)\n", l.Path, strings.Join(l.What, " "), l.Times)
	}
	return b.String()
}

// Watcher collects changes.
type Watcher struct {
	fd      int
	mu      sync.Mutex
	changes []Change
	err     error
	done    chan struct{}
	stop    [2]int // a pipe that ends the reading
	more    func(w *Watcher, event []byte) int
	folders map[int32]string // inotify: by watch
	owners  map[string]int   // inotify: whose a path was when it was last seen
	mounts  []mountHandle    // fanotify
}

// add keeps a change. The same one again and again is kept again: counts tell
// how busy a path is.
func (w *Watcher) add(c Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, c)
}

func (w *Watcher) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}
