package escape

import (
	"fmt"
	"runtime"
	"testing"
)

// attempt is one try of a row. What it finds wrong (Errorf) is the row's
// failure at once and for good. What it cannot go on with (Fatalf: a page that
// does not come, a click that is not heard) ends this attempt only: it shows
// neither a way out nor a wall, so the row is tried once more in a fresh
// session, and fails if it cannot be tried then either.
type attempt struct {
	testing.TB
	stuck string // why it could not go on
}

// run tells whether the whole of try was gone through.
func (a *attempt) run(try func()) bool {
	done := make(chan bool)
	go func() {
		whole := false
		defer func() { done <- whole }()
		try()
		whole = true
	}()
	return <-done
}

func (a *attempt) Fatal(args ...any) {
	a.stuck = fmt.Sprint(args...)
	runtime.Goexit()
}

func (a *attempt) Fatalf(format string, args ...any) {
	a.stuck = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (a *attempt) FailNow() {
	a.TB.Fail()
	runtime.Goexit()
}

// TestAttempt holds the rule: what is found counts, what cannot be tried does
// not pass.
func TestAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		try                  func(testing.TB)
		whole, stuck, failed bool
	}{
		"goes through":     {func(testing.TB) {}, true, false, false},
		"cannot go on":     {func(t testing.TB) { t.Fatalf("no page %d", 1) }, false, true, false},
		"stuck":            {func(t testing.TB) { t.Fatal("no page") }, false, true, false},
		"finds a way out":  {func(t testing.TB) { t.Errorf("out") }, true, false, true},
		"finds, and stops": {func(t testing.TB) { t.Errorf("out"); t.Fatal("no page") }, false, true, true},
		"gives up":         {func(t testing.TB) { t.FailNow() }, false, false, true},
	} {
		outer := &judged{TB: t}
		a := &attempt{TB: outer}
		whole := a.run(func() { c.try(a) })
		if whole != c.whole || (a.stuck != "") != c.stuck || outer.failed != c.failed {
			t.Errorf("%s: whole %v, stuck %q, failed %v", name, whole, a.stuck, outer.failed)
		}
	}
}

// judged hears a verdict and keeps it from the test.
type judged struct {
	testing.TB
	failed bool
}

func (j *judged) Errorf(string, ...any) { j.failed = true }
func (j *judged) Fail()                 { j.failed = true }
