package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/write"
)

// choose has a person say which disk is erased, or finds that a hands-off stick
// needs nobody.
func (in *installer) choose(ctx context.Context) (stick, target disk.Disk, err error) {
	answer := ""
	for {
		all, err := in.Machine.List()
		if err != nil {
			return stick, target, err
		}
		f, err := in.look(all)
		if err != nil {
			return stick, target, err
		}
		lines := in.describe(f)
		only, alone := f.alone(in.plan)
		switch {
		case len(f.targets) == 0:
			lines = append(lines, "", in.words.say("no_disk"), in.words.say("no_disk_do"))
		case in.plan.HandsOff && alone && answer == "":
			in.tell(Progress{Step: StepAsking, Disk: labels(f.targets)})
			go_, err := in.grace(ctx, lines)
			if go_ || err != nil {
				return f.stick, only, err
			}
			answer = stopped
			continue
		default:
			lines = append(lines, in.question(f, answer)...)
		}
		in.tell(Progress{Step: StepAsking, Disk: labels(f.targets)})
		in.show(lines, nil, []string{"", in.words.say("languages")}, true)
		if answer, err = in.typed(ctx); err != nil {
			return stick, target, err
		}
		if lang := strings.ToLower(answer); slices.Contains(languages(), lang) {
			if in.words, err = in.speak(lang); err != nil {
				return stick, target, err
			}
			answer = stopped
			continue
		}
		if d := named(f.targets, answer); len(d) == 1 {
			return f.stick, d[0], nil
		}
	}
}

// stopped stands for an answer that names no disk and is no mistake.
const stopped = "\x00"

// question is what stands above the answer.
func (in *installer) question(f found, answer string) []string {
	lines := []string{""}
	switch {
	case answer != stopped && answer != "" && len(named(f.targets, answer)) > 1:
		lines = append(lines, in.words.say("ask_more"), "")
	case answer != stopped && answer != "":
		lines = append(lines, in.words.say("ask_wrong"), "")
	case in.plan.HandsOff:
		lines = append(lines, in.words.say("several"), "")
	}
	mark, _ := f.targets[0].Mark()
	if len(f.targets) > 1 {
		mark = strconv.Itoa(len([]rune(mark)))
	} else {
		mark = "..." + mark
	}
	return append(lines, in.words.say("erased"), in.words.say("ask", "mark", mark))
}

// describe is the machine and its disks.
func (in *installer) describe(f found) []string {
	lines := []string{in.words.say("machine", "about", About(in.Machine.Root))}
	if memory := in.memory(); memory > 0 {
		lines = append(lines, in.words.say("machine_memory", "memory", disk.Bytes(memory)))
		if memory < 1_700_000_000 { // of 2 GB the kernel keeps some
			lines = append(lines, in.words.say("little_memory"))
		}
	}
	lines = append(lines, in.words.say("left", "n", strconv.Itoa(in.plan.Machines)), "", in.words.say("disks"))
	for i, d := range f.inner {
		lines = append(lines, in.words.say("disk", "n", strconv.Itoa(i+1), "size", disk.Bytes(d.Size), "model", d.Model))
		if d.Serial != "" {
			lines = append(lines, "   "+in.words.say("serial", "serial", d.Serial))
		}
		lines = append(lines, "   "+in.words.say("holds", "holds", in.holds(d)))
		switch {
		case d.Refused != "" || d.ReadOnly:
			lines = append(lines, "   "+in.words.say("cannot_used"))
		case d.Size < least:
			lines = append(lines, "   "+in.words.say("cannot_small"))
		case d.Block > 512:
			lines = append(lines, "   "+in.words.say("cannot_blocks"))
		}
	}
	return lines
}

// holds is what is on a disk, for who knows it by its names.
func (in *installer) holds(d disk.Disk) string {
	var all []string
	for _, p := range d.Holds {
		for _, text := range []string{p.Label, p.Called, p.Kind} {
			if text != "" && !slices.Contains(all, text) {
				all = append(all, text)
				break
			}
		}
	}
	if len(d.Holds) == 0 {
		return in.words.say("holds_nothing")
	}
	if len(all) == 0 {
		return fmt.Sprintf("? (%d)", len(d.Holds))
	}
	return strings.Join(all, ", ")
}

// memory is the machine's, in bytes; 0 if it is not known.
func (in *installer) memory() int64 {
	text, _ := os.ReadFile(filepath.Join(in.Machine.Root, "proc/meminfo"))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// grace gives a person who stands there the time to stop a hands-off stick.
func (in *installer) grace(ctx context.Context, lines []string) (bool, error) {
	end := time.Now().Add(in.Grace)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		left := time.Until(end)
		if left <= 0 {
			return true, nil
		}
		in.show(append(slices.Clone(lines), "", in.words.say("soon", "n", strconv.Itoa(int((left+time.Second-1)/time.Second))), in.words.say("soon_do")), nil, nil, false)
		select {
		case _, open := <-in.Screen.typed:
			if open {
				return false, nil
			}
			return false, io.ErrUnexpectedEOF
		case <-tick.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// typed is the next line that a person enters.
func (in *installer) typed(ctx context.Context) (string, error) {
	select {
	case text, open := <-in.Screen.typed:
		if !open {
			return "", io.ErrUnexpectedEOF
		}
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (in *installer) show(lines, picture, below []string, ask bool) {
	in.Screen.show(page{in.words.say("title"), lines, picture, below, ask})
}

// bar shows how far the writing is.
type bar struct {
	in    *installer
	phase string
	last  time.Time
}

func (b *bar) tell(e write.Event) {
	now := time.Now()
	if e.Phase != b.phase {
		b.phase = e.Phase
		b.in.show([]string{b.in.words.say(map[string]string{write.Writing: "writing", write.Reading: "reading"}[e.Phase]), ""}, nil, nil, false)
	} else if now.Sub(b.last) < time.Second && e.Done < e.Total {
		return
	}
	b.last = now
	b.in.tell(Progress{Step: map[string]string{write.Writing: StepWriting, write.Reading: StepReading}[e.Phase], Percent: int(e.Done * 100 / max(e.Total, 1))})
	minutes := "?"
	if e.Done > 0 {
		left := time.Duration(float64(now.Sub(e.Begun)) / float64(e.Done) * float64(e.Total-e.Done))
		minutes = strconv.Itoa(int(left.Minutes()) + 1)
	}
	b.in.Screen.progress(e.Done, e.Total, b.in.words.say("to_go", "percent", strconv.FormatInt(e.Done*100/max(e.Total, 1), 10), "minutes", minutes))
}

// stickError is a failure of the stick.
type stickError struct{ error }

func (e stickError) Unwrap() error { return e.error }

var errUsedUp = errors.New("all machines of this stick have been made")

// failure is what a person is told about err: what happened, what became of the
// disk, what to do.
func (in *installer) failure(err error) []string {
	what, disked := "bad_other", "untouched"
	var p *disk.Problem
	var stick stickError
	switch {
	case errors.Is(err, errUsedUp):
		return []string{in.words.say("none_left"), in.words.say("again")}
	case errors.Is(err, errTwoSticks):
		what = "bad_twice"
	case errors.Is(err, ErrRefused):
		what = "bad_code"
	case errors.As(err, &stick), errors.Is(err, errNoStick):
		what = "bad_stick"
	}
	if what == "bad_other" && errors.As(err, &p) {
		switch p.Code {
		case "write_failed", "differs", "read_back", "pulled_out", "no_space", "read_only":
			what = "bad_disk"
		case "bad_image", "wrong_image":
			what = "bad_stick"
		case "in_use", "refused", "other_disk", "not_opened":
			what = "bad_use"
		}
	}
	if errors.As(err, &write.Spoiled{}) {
		disked = "unusable"
	}
	return []string{in.words.say("failed"), in.words.say(disked), "", in.words.say(what), in.words.say("again"), "", in.words.say("details", "why", strings.ReplaceAll(err.Error(), "\n", "; "))}
}
