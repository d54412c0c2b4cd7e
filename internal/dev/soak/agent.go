package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/identity"
)

// agent is the real agent, in a process of its own.
type agent struct {
	program, data, address string
	pin                    identity.Pin
	log                    *os.File

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	ends bool          // we ended it
	why  string        // it ended by itself
}

func newAgent(ctx context.Context, program, dir string) (*agent, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &agent{program: program, data: filepath.Join(dir, "agent"), address: l.Addr().String()}
	l.Close()
	if a.log, err = os.Create(filepath.Join(dir, "agent.log")); err != nil {
		return nil, err
	}
	return a, a.start(ctx)
}

// start runs it and waits until it answers.
func (a *agent) start(ctx context.Context) error {
	cmd := exec.Command(a.program, "serve", "--data", a.data, "--listen", a.address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	to := struct{ io.Writer }{a.log} // through a pipe: a limit on its files must not hit its log
	cmd.Stdout, cmd.Stderr = to, to
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the agent: %w; run make build first", err)
	}
	done := make(chan struct{})
	a.mu.Lock()
	a.cmd, a.done, a.ends = cmd, done, false
	a.mu.Unlock()
	go func() {
		err := cmd.Wait()
		a.mu.Lock()
		if !a.ends {
			a.why = fmt.Sprintf("the agent ended by itself: %v", err)
		}
		a.mu.Unlock()
		close(done)
	}()
	return await(ctx, patience, func() bool {
		if a.pin == "" {
			id, err := os.Stat(filepath.Join(a.data, "identity.pem"))
			if err != nil || id.Size() == 0 {
				return false // reading it before it is there would make another
			}
			own, err := identity.LoadAgent(filepath.Join(a.data, "identity.pem"))
			if err != nil {
				return false
			}
			a.pin = own.Pin()
		}
		_, err := a.get(ctx, "/readyz")
		return err == nil
	})
}

// end sends a signal and waits until the process is gone.
func (a *agent) end(s syscall.Signal) {
	a.mu.Lock()
	cmd, done := a.cmd, a.done
	a.ends = true
	a.mu.Unlock()
	if cmd == nil {
		return
	}
	cmd.Process.Signal(s)
	<-done
}

func (a *agent) kill() { a.end(syscall.SIGKILL) }

// stop ends it as an administrator does; that must end well.
func (a *agent) stop() error {
	a.end(syscall.SIGTERM)
	if code := a.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the agent ended with %d", code)
	}
	return nil
}

// trouble is what must never be: an end by itself, or a panic in the log.
func (a *agent) trouble() string {
	a.mu.Lock()
	why := a.why
	a.mu.Unlock()
	text, err := os.ReadFile(a.log.Name())
	switch {
	case why != "":
		return why
	case err != nil:
		return err.Error()
	case bytes.Contains(text, []byte("panic")):
		return "there is a panic in the agent's log"
	}
	return ""
}

// full makes the agent's disk full, as far as it can see, or gives it room:
// files may not grow beyond a few bytes.
func (a *agent) full(yes bool) error {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if yes {
		limit.Cur = 4096
	}
	a.mu.Lock()
	pid := a.cmd.Process.Pid
	a.mu.Unlock()
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("limit the agent's files: %w", err)
	}
	return nil
}

// code makes an enrolment code by the command line.
func (a *agent) code(ctx context.Context, site string) (string, error) {
	out, err := exec.CommandContext(ctx, a.program, "enrol", "--data", a.data, "--site", site, "--name", "Kone", "--json").Output()
	if err != nil {
		return "", err
	}
	var answer struct{ Code string }
	return answer.Code, json.Unmarshal(out, &answer)
}

func (a *agent) base() string { return "https://" + a.address }

func (a *agent) get(ctx context.Context, path string) (string, error) {
	conf, err := identity.ClientTLS(a.pin)
	if err != nil {
		return "", err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base()+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", errors.New(answer.Status)
	}
	return text.String(), nil
}

// measures are what must not grow.
type measures struct{ rss, goroutines float64 }

// How much of a difference means nothing: what the collector has not taken yet,
// and a request that is just being answered.
const (
	rssRoom       = 8e6
	rssShare      = 0.25
	goroutineRoom = 6
)

// over says what grew.
func (m measures) over(before measures) error {
	switch {
	case m.rss > before.rss+max(rssRoom, rssShare*before.rss):
		return fmt.Errorf("the agent's memory has grown from %.1f to %.1f MB", before.rss/1e6, m.rss/1e6)
	case m.goroutines > before.goroutines+goroutineRoom:
		return fmt.Errorf("the agent's goroutines have grown from %.0f to %.0f", before.goroutines, m.goroutines)
	}
	return nil
}

func (a *agent) measure(ctx context.Context) (m measures, err error) {
	text, err := a.get(ctx, "/metrics")
	if err != nil {
		return m, fmt.Errorf("read the agent's numbers: %w", err)
	}
	want := map[string]*float64{"process_resident_memory_bytes": &m.rss, "go_goroutines": &m.goroutines}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if to := want[name]; to != nil {
			if *to, err = strconv.ParseFloat(value, 64); err != nil {
				return m, err
			}
			delete(want, name)
		}
	}
	if len(want) > 0 {
		return m, errors.New("the agent does not tell its memory and goroutines")
	}
	return m, nil
}
