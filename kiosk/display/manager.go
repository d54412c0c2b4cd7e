package display

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"

	"github.com/jezek/xgb/xproto"
)

//go:embed rc.xml.tmpl
var rcText string

// Config is what the window manager is told.
type Config struct {
	Dir         string // a folder of the kiosk's own, for the manager's configuration and home
	Strip       int    // pixels at the bottom that stay free for the strip
	ShellClass  string // the class of our own window: above all, no frame
	ClientClass string // the class of the client's browser
}

// Manager is one running window manager.
type Manager struct {
	cmd  *exec.Cmd
	done chan struct{}
	once sync.Once
	err  error // why it ended; written before done is closed
}

// otherManager reports a window manager that is not ours. That of a kiosk which
// was killed a moment ago is given the time to end.
func (d *Display) otherManager(ctx context.Context) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		name, running := d.managerName()
		if !running {
			return "", false
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return name, true
		}
	}
}

// StartManager starts openbox on the display with our own configuration and
// returns once it manages windows. It ends with the kiosk, with ctx and with
// Stop. No configuration of any user is read.
func (d *Display) StartManager(ctx context.Context, c Config) (*Manager, error) {
	program, err := exec.LookPath("openbox")
	if err != nil {
		return nil, errors.New("start the window manager: openbox is not installed; install the package openbox")
	}
	if name, running := d.otherManager(ctx); running {
		return nil, fmt.Errorf("start the window manager: %s already runs on this display; use a display of the kiosk's own", name)
	}
	home := filepath.Join(c.Dir, "wm")
	rc, err := renderRC(c)
	if err != nil {
		return nil, fmt.Errorf("write the window manager's configuration: %w", err)
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("make the window manager's folder: %w", err)
	}
	file := filepath.Join(home, "rc.xml")
	if err := os.WriteFile(file, rc, 0o600); err != nil {
		return nil, fmt.Errorf("write the window manager's configuration: %w", err)
	}
	var complaint tail
	cmd := exec.Command(program, "--sm-disable", "--config-file", file)
	cmd.Dir, cmd.Stderr = home, &complaint
	cmd.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CACHE_HOME=" + home,
		"XDG_CONFIG_DIRS=" + home, "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
		"DISPLAY=" + os.Getenv("DISPLAY"), "XAUTHORITY=" + os.Getenv("XAUTHORITY")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	m := &Manager{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go m.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the window manager: %w", err)
	}
	if err := d.awaitManager(ctx, m, &complaint); err != nil {
		m.Stop()
		return nil, fmt.Errorf("start the window manager: %w", err)
	}
	go func() {
		select {
		case <-ctx.Done():
			m.Stop()
		case <-m.done:
		}
	}()
	return m, nil
}

// run starts the process and waits for its end on one thread: the signal that
// a dying parent sends belongs to the thread that started the child.
func (m *Manager) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := m.cmd.Start(); err != nil {
		close(m.done)
		started <- err
		return
	}
	started <- nil
	m.err = m.cmd.Wait()
	close(m.done)
}

// Done is closed when the window manager has ended.
func (m *Manager) Done() <-chan struct{} { return m.done }

// Stop ends the window manager and returns when it is gone.
func (m *Manager) Stop() {
	m.once.Do(func() { _ = m.cmd.Process.Kill() }) // gone already is what we want
	<-m.done
}

// managerPatience is how long openbox may take to manage windows: from an old
// disk, the first time, it takes long.
const managerPatience = 30 * time.Second

// awaitManager returns once openbox answers a question. Its name on the root
// window comes too early: it then misses windows that are mapped just after.
func (d *Display) awaitManager(ctx context.Context, m *Manager, complaint *tail) error {
	ctx, cancel := context.WithTimeout(ctx, managerPatience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if d.managerAnswers() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("openbox does not manage windows: %w", ctx.Err())
		case <-m.done:
			return fmt.Errorf("openbox ended at once (%v): %s", m.err, complaint)
		}
	}
}

// ManagerAnswers reports whether the window manager answers before the
// context's end.
func (d *Display) ManagerAnswers(ctx context.Context) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		answers, err := within(ctx, func() (bool, error) { return d.managerAnswers(), nil })
		if err != nil || answers {
			return answers
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}

// managerAnswers asks how wide the frame of our unmapped curtain would be. The
// answer, a property, may come by the next time.
func (d *Display) managerAnswers() bool {
	if _, running := d.managerName(); !running {
		return false
	}
	if v, err := d.property(d.curtain, d.atoms.frame); err == nil && len(v) > 0 {
		return xproto.DeletePropertyChecked(d.conn, d.curtain, d.atoms.frame).Check() == nil
	}
	_ = d.ask(Window(d.curtain), d.atoms.askFrame, make([]uint32, 5)) // asked again soon
	return false
}

// managerName tells whether a window manager runs, and its name. The property
// of one that died stays, so the window it names must name itself.
func (d *Display) managerName() (string, bool) {
	v, err := d.property(d.root, d.atoms.wmCheck)
	if err != nil || len(v) < 4 {
		return "", false
	}
	w := xproto.Window(binary.LittleEndian.Uint32(v))
	own, err := d.property(w, d.atoms.wmCheck)
	if err != nil || !bytes.Equal(own, v) {
		return "", false
	}
	name := "another window manager"
	reply, err := xproto.InternAtom(d.conn, true, uint16(len("_NET_WM_NAME")), "_NET_WM_NAME").Reply()
	if err == nil && reply.Atom != xproto.AtomNone {
		if s := d.text(w, reply.Atom); s != "" {
			name = s
		}
	}
	return name, true
}

func renderRC(c Config) ([]byte, error) {
	if c.Strip < 0 || c.ShellClass == "" || c.ClientClass == "" {
		return nil, errors.New("the strip's height or a window class is missing")
	}
	t, err := template.New("rc.xml").Funcs(template.FuncMap{"xml": escapeXML}).Parse(rcText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, c); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func escapeXML(s string) (string, error) {
	var b strings.Builder
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}

// tail keeps the first part of what a program complains about.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 1000 - len(t.text); room > 0 {
		t.text = append(t.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
