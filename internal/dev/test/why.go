package main

import (
	"regexp"
	"strings"
)

// said is what a test says, with the place in its source.
var said = regexp.MustCompile(`^\s+[\w.-]+\.go:\d+: \S`)

// whyLength is how much of a failed test's words the end of the output repeats.
const whyLength = 240

// reasons keeps what each test of one program said first, until it is known
// whether the test failed. A failure's last word is often what cleaning up
// logs; its first is the reason.
type reasons struct {
	test  string
	first map[string]string // by test
}

// line takes in a line of go test -v and returns the test that it says has
// failed, with the reason, or nothing.
func (r *reasons) line(line string) (failed string) {
	if r.first == nil {
		r.first = map[string]string{}
	}
	for _, p := range []string{"=== RUN", "=== CONT", "=== NAME"} {
		if rest, ok := strings.CutPrefix(line, p); ok {
			r.test = strings.TrimSpace(rest)
			return ""
		}
	}
	if said.MatchString(line) {
		if r.first[r.test] == "" {
			r.first[r.test] = strings.TrimSpace(line)
		}
		return ""
	}
	verdict, rest, ok := strings.Cut(strings.TrimSpace(line), ": ")
	if !ok || !strings.HasPrefix(verdict, "--- ") {
		return ""
	}
	name, _, _ := strings.Cut(rest, " ")
	why := r.first[name]
	delete(r.first, name)
	if verdict != "--- FAIL" {
		return ""
	}
	if len(why) > whyLength {
		why = why[:whyLength] + "..."
	}
	return strings.TrimSuffix(name+": "+why, ": ")
}
