package main

import (
	"errors"
	"fmt"
	"strings"
)

// agains is how many failed tests of a step are tried once more. More at a time
// are not bad luck.
const agains = 3

// grave reports whether a line tells of what no second try excuses either: it is
// as wrong when it happens seldom.
func grave(line string) bool {
	return strings.Contains(line, "DATA RACE") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") ||
		strings.Contains(line, "Failing input written")
}

// strays says that programs outlived their tests, which no second try excuses.
type strays struct{ error }

// again tries tests that failed once more, with nothing else beside them: the
// machine of a run may be busy with other things for a moment, and the product
// is held to seconds. The end of the output names each test that needed it, with
// the reason of its first failure. one has what the first try said, which ended
// with err; run runs the tests that match only.
func (r *report) again(one *report, err error, run func(two *report, only string) error) error {
	names := one.wrong
	if err == nil || len(names) == 0 || len(names) > agains || one.grave || errors.As(err, new(strays)) {
		r.add(one)
		return err
	}
	r.printf("== %s: once more, alone: %s\n", r.step, strings.Join(names, ", "))
	two := newReport(r.out)
	two.step = r.step
	second := run(two, "^("+strings.Join(names, "|")+")$")
	if second == nil && (two.tests.passed < len(names) || two.tests.skipped > 0) {
		second = fmt.Errorf("of %d tests that failed %d passed at the second try", len(names), two.tests.passed)
	}
	if second != nil {
		r.add(one)
		return errors.Join(err, fmt.Errorf("once more: %w", second))
	}
	for _, f := range one.failed {
		two.twice = append(two.twice, "passed at the second try, "+f)
	}
	one.failed, one.tests.failed = nil, 0
	var fine []string
	for _, line := range one.lines {
		if !strings.HasPrefix(line, "FAIL\t") {
			fine = append(fine, line)
		}
	}
	one.lines = fine
	r.add(one)
	r.add(two)
	return nil
}
