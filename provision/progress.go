package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/write"
)

// progress shows how far a writing is: one line that changes on a terminal,
// a line for every tenth elsewhere, an event twice a second for scripts.
type progress struct {
	writing
	now   func() time.Time
	last  time.Time
	shown string // phase and tenth
	open  bool   // a line waits for its end
}

// step is an event for scripts.
type step struct {
	Phase   string  `json:"phase"`
	Done    int64   `json:"done"`
	Total   int64   `json:"total"`
	Speed   int64   `json:"bytes_per_second"`
	Seconds float64 `json:"seconds_left"`
}

func stepOf(e write.Event, now time.Time) step {
	s := step{Phase: e.Phase, Done: e.Done, Total: e.Total}
	if took := now.Sub(e.Begun).Seconds(); took > 0 && e.Done > 0 {
		perSecond := float64(e.Done) / took
		s.Speed, s.Seconds = int64(perSecond), float64(e.Total-e.Done)/perSecond
	}
	return s
}

func (p *progress) tell(e write.Event) {
	now := p.now()
	s := stepOf(e, now)
	tenth := fmt.Sprint(e.Phase, e.Done*10/max(e.Total, 1))
	due := e.Done == e.Total || now.Sub(p.last) >= time.Second/2
	switch terminal := isTerminal(p.stderr); {
	case p.json && due:
		p.event("progress", s)
	case p.json || terminal && !due || !terminal && tenth == p.shown:
		return
	default:
		end := "\n"
		if terminal {
			end = "\033[K\r"
			p.open = true
		}
		fmt.Fprint(p.stderr, s.text(), end)
	}
	p.last, p.shown = now, tenth
}

// text is the step for a person.
func (s step) text() string {
	what := "writing"
	if s.Phase == write.Reading {
		what = "reading back"
	}
	return fmt.Sprintf("%s %3d %%, %s/s, %s left", what, s.Done*100/max(s.Total, 1), disk.Bytes(s.Speed),
		(time.Duration(s.Seconds) * time.Second).String())
}

// end leaves the line on which progress was shown.
func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.stderr)
	}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// person asks at the terminal; nil if there is none. Ctrl-C ends the asking.
func person(in *os.File, out io.Writer) asker {
	if !isTerminal(in) {
		return nil
	}
	lines := bufio.NewReader(in)
	return func(ctx context.Context, question string) (string, error) {
		fmt.Fprint(out, question)
		type said struct {
			text string
			err  error
		}
		heard := make(chan said, 1)
		go func() {
			text, err := lines.ReadString('\n')
			heard <- said{text, err}
		}()
		select {
		case s := <-heard:
			return s.text, s.err
		case <-ctx.Done():
			fmt.Fprintln(out)
			return "", &disk.Problem{Exit: disk.ExitFailed, Code: "stopped", Text: "It was stopped before anything was erased.", Todo: "Begin anew when you are ready."}
		}
	}
}
