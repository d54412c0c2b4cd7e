package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/e2e/xserver"
	"yhteiskone/kiosk/display"
)

// quietDisplay is a display of the test's own.
func quietDisplay(t *testing.T) (*display.Display, *os.Process) {
	t.Helper()
	for _, p := range []string{"Xvfb", "xdotool", "aplay", "espeak-ng"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
	x := xserver.Start(t, xserver.Options{})
	x.Use(t)
	d, err := display.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d, x.Process
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(slow.Stretch(30 * time.Second))
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

// mute is a loudspeaker that takes its time: nobody empties the pipe.
func mute(t *testing.T) (settings string) {
	t.Helper()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "sound")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	settings = filepath.Join(dir, "asound.conf")
	text := fmt.Sprintf("pcm.!default {\n type file\n slave.pcm { type null }\n file %q\n format raw\n}\n", pipe)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return settings
}

// voices counts our voices and players.
func voices(t *testing.T) int {
	t.Helper()
	n := 0
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, file := range all {
		status, _ := os.ReadFile(file)
		if bytes.Contains(status, fmt.Appendf(nil, "\nPPid:\t%d\n", os.Getpid())) &&
			(bytes.Contains(status, []byte("Name:\taplay")) || bytes.Contains(status, []byte("Name:\tespeak-ng"))) {
			n++
		}
	}
	return n
}

// diary is a log that must never hold what was said.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func TestAidsReset(t *testing.T) {
	d, _ := quietDisplay(t)
	log := &diary{}
	a := openAids(context.Background(), d, mute(t), nil, slog.New(slog.NewTextHandler(log, nil)))
	defer a.close()
	if speak, keyboard, sticky := a.Can("fi"); !speak || !keyboard || !sticky {
		t.Fatalf("can speak %v, type %v, stick %v", speak, keyboard, sticky)
	}
	for range 3 {
		began := time.Now()
		for range 5 {
			_ = a.Say(strings.Repeat("Tämä on salaisuuteni. ", 100), "fi")
		}
		_ = a.Keyboard(true, "ru", display.StripUnits)
		_ = a.Sticky(true)
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("they waited %v", took)
		}
		until(t, "voice and keyboard", func() bool { return voices(t) == 2 && d.PanelHeight() > 0 })
		began = time.Now()
		if err := a.Reset(); err != nil {
			t.Error(err)
		}
		t.Logf("reset in %v", time.Since(began))
		if n := voices(t); n != 0 {
			t.Errorf("%d voices are left", n)
		}
		if d.PanelHeight() != 0 {
			t.Error("the keyboard is left")
		}
	}
	_ = a.Say("Tämä on salaisuuteni.", "so") // fails: no such voice
	until(t, "the failure in the log", func() bool { log.mu.Lock(); defer log.mu.Unlock(); return log.text.Len() > 0 })
	if strings.Contains(log.text.String(), "salaisuuteni") {
		t.Errorf("the log holds what was said: %s", log.text.String())
	}
}

// A display that is frozen does not hold up the end of a session.
func TestAidsResetOnAFrozenDisplay(t *testing.T) {
	d, server := quietDisplay(t)
	a := openAids(context.Background(), d, mute(t), nil, slog.New(slog.DiscardHandler))
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_ = a.Say(strings.Repeat("Puhun. ", 500), "fi")
	until(t, "the voice", func() bool { return voices(t) == 2 })
	began := time.Now()
	if err := a.Reset(); err == nil {
		t.Error("no error although the keys could not be put back")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if n := voices(t); n != 0 {
		t.Errorf("%d voices are left", n)
	}
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
