package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// refused checks that the kiosk does not run: exit code 2 and one line that
// holds the words.
func refused(t *testing.T, k *rig.Kiosk, words ...string) {
	t.Helper()
	code, said := k.Try()
	if code != 2 {
		t.Errorf("exit code %d, not 2: %s", code, said)
	}
	complained(t, said, "kiosk: ", words...)
}

// complained checks the last line of what a program said.
func complained(t *testing.T, said, begin string, words ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(said), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, begin) {
		t.Errorf("the last line does not begin with %q: %s", begin, said)
	}
	for _, w := range words {
		if !strings.Contains(last, w) {
			t.Errorf("the complaint does not hold %q: %s", w, last)
		}
	}
	if strings.Contains(said, "goroutine ") || strings.Contains(said, "panic") {
		t.Errorf("a crash instead of a complaint: %s", said)
	}
}

// A kiosk that cannot run says why, and what to do.
func TestBrowserKioskBadInput(t *testing.T) {
	w := rig.New(t)
	a := w.NewAgent()
	d := w.NewDisplay()
	n := 0
	kiosk := func(e rig.Enrolment, o rig.KioskOptions) *rig.Kiosk {
		n++
		o.Name = fmt.Sprintf("k%d", n)
		return w.NewKiosk(d, nil, e, o)
	}
	soonOver, over := a.Enrol("--ttl", "1m"), time.After(61*time.Second)
	good := a.Enrol()
	t.Run("unknown key", func(t *testing.T) {
		k := kiosk(good, rig.KioskOptions{Test: "colour = 1"})
		text, err := os.ReadFile(k.Config)
		if err != nil {
			t.Fatal(err)
		}
		line := 1 + bytes.Count(text[:bytes.Index(text, []byte("colour"))], []byte("\n"))
		refused(t, k, k.Config, fmt.Sprintf("line %d", line), "colour")
	})
	t.Run("wrong value", func(t *testing.T) {
		k := kiosk(good, rig.KioskOptions{Session: `idle = "soon"`})
		refused(t, k, k.Config, "line", "soon")
	})
	t.Run("no browser", func(t *testing.T) {
		refused(t, kiosk(good, rig.KioskOptions{Chromium: "/usr/lib/chromium/nothing"}), "chromium")
	})
	t.Run("no display", func(t *testing.T) {
		k := kiosk(good, rig.KioskOptions{})
		nowhere := *d
		nowhere.Hand.Display = ":99"
		k.Display = &nowhere
		refused(t, k, ":99")
	})
	t.Run("wrong code", func(t *testing.T) {
		e := good
		e.Code = identity.NewCode()
		refused(t, kiosk(e, rig.KioskOptions{}), "code")
	})
	t.Run("another agent than the pin says", func(t *testing.T) {
		other, err := identity.NewAgent()
		if err != nil {
			t.Fatal(err)
		}
		e := good
		e.Pin = string(other.Pin())
		k := kiosk(e, rig.KioskOptions{})
		k.Begin()
		w.Until(15*time.Second, "the kiosk does not enrol at a stranger", func() (bool, string) {
			said := k.Out.String()
			return strings.Contains(said, "not enrolled yet") || k.Ended(), said
		})
		k.Signal(syscall.SIGTERM)
		w.Wait(k.Process, 15*time.Second)
		if exists(k.State + "/member.toml") {
			t.Error("the kiosk enrolled at an agent that is not the one of its pin")
		}
	})
	t.Run("used code", func(t *testing.T) {
		a.EnrolDevice(good)
		refused(t, kiosk(good, rig.KioskOptions{}), "code")
	})
	t.Run("expired code", func(t *testing.T) {
		<-over // a code lives a minute at least
		refused(t, kiosk(soonOver, rig.KioskOptions{}), "too old")
	})
	t.Run("nothing is lost", func(t *testing.T) {
		if all, err := a.Machines(); err != nil || len(all) != 1 {
			t.Errorf("the agent knows %d kiosks after all that, not 1 (%v)", len(all), err)
		}
	})
}

// A kiosk whose clock is an hour off works, and staff are told after a minute.
func TestBrowserClockWrong(t *testing.T) {
	p := open(t, rig.KioskOptions{Test: `clock_offset = "1h"`})
	p.agent.Sees(100*time.Second, "the wrong clock", func(m rig.Machine) bool { return m.Has(fleet.ClockWrong) })
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	p.kiosk.Press(rig.TileBank)
	p.kiosk.End()
	p.kiosk.Wiped(10*time.Second, seq)
}

// A new certificate of the same agent changes nothing; another agent at the
// same address is refused, and the kiosk goes on serving.
func TestBrowserAgentChanged(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	p.agent.Shows(10*time.Second, fleet.StatusFree)
	before := certificate(t, p.agent)
	p.agent.Signal(syscall.SIGTERM)
	p.Wait(p.agent.Process, 15*time.Second)
	p.agent.Begin()
	if certificate(t, p.agent) == before {
		t.Error("the agent came back with the same certificate, so this shows nothing")
	}
	p.kiosk.Is(60*time.Second, "connected", func(s rig.Status) bool { return s.Agent.Connected })
	p.agent.Shows(10*time.Second, fleet.StatusFree)

	p.agent.Signal(syscall.SIGTERM)
	p.Wait(p.agent.Process, 15*time.Second)
	if err := os.Rename(p.agent.Data+"/identity.pem", p.Path("identity.pem")); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := p.Run(nil, p.agent.Command("127.0.0.1:0")...); code != 1 || !strings.Contains(errs, "identity is missing") {
		t.Errorf("an agent whose key is gone takes another: code %d: %s", code, errs)
	}
	p.agent.Data = p.Path("stranger") // another agent at the same address
	p.agent.Begin()
	p.kiosk.Is(60*time.Second, "refusing the stranger", func(s rig.Status) bool {
		return !s.Agent.Connected && strings.Contains(s.Agent.Trouble, "not our agent")
	})
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	p.kiosk.Press(rig.TileBank)
	p.kiosk.End()
	p.kiosk.Wiped(10*time.Second, seq)
	if s := p.kiosk.In(time.Second, fleet.Ready); s.Agent.Connected || s.Agent.Waiting == 0 {
		t.Errorf("the kiosk gave its proofs to a stranger: %+v", s.Agent)
	}
}

// certificate is what the agent shows now.
func certificate(t *testing.T, a *rig.Agent) string {
	t.Helper()
	conf, err := identity.ClientTLS(a.Pin())
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", strings.TrimPrefix(a.URL, "https://"), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return identity.Fingerprint(c.ConnectionState().PeerCertificates[0].Raw)
}

// A second agent on the same folder does not start, and the first goes on.
func TestE2ESecondAgent(t *testing.T) {
	w := rig.New(t)
	a := w.NewAgent()
	command := a.Command("127.0.0.1:0")
	code, _, said := w.Run(nil, command...)
	if code != 3 {
		t.Errorf("exit code %d, not 3", code)
	}
	complained(t, said, "agent: ", a.Data)
	if _, err := a.Machines(); err != nil {
		t.Errorf("the first agent does not answer any more: %v", err)
	}
}

// Frames that are too big or are none end their connection, and nothing else.
func TestE2EBadFrames(t *testing.T) {
	w := rig.New(t)
	a := w.NewAgent()
	d := a.EnrolDevice(a.Enrol())
	if err := d.Connect(); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Prove(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name   string
		opcode byte
		data   []byte
		code   int
	}{
		{"too big before the welcome", 1, bytes.Repeat([]byte("x"), 2000), link.CloseTooBig},
		{"far too big", 1, make([]byte, 1<<20), link.CloseTooBig},
		{"no JSON", 1, []byte("hello?"), link.CloseMalformed},
		{"another type", 1, []byte(`{"type":"shell"}`), link.CloseMalformed},
		{"bytes after it", 1, []byte(`{"type":"ack","seq":1}{}`), link.CloseMalformed},
		{"binary", 2, []byte(`{"type":"ack","seq":1}`), link.CloseMalformed},
		{"a message of the agent", 1, []byte(`{"type":"ack","seq":1}`), link.CloseRefused},
	} {
		t.Run(f.name, func(t *testing.T) {
			raw := a.Raw()
			defer raw.Close()
			raw.Send(f.opcode, f.data) // the agent may close before it has all
			code, err := raw.Closed()
			if err != nil {
				t.Fatalf("the agent did not close: %v", err)
			}
			if code != f.code && !(code == 0 && len(f.data) > 1<<16) { // the rest of a big frame may break the line
				t.Errorf("closed with %d, not %d", code, f.code)
			}
		})
	}
	if err := d.Prove(); err != nil {
		t.Errorf("a good device was disturbed: %v", err)
	}
	if a.Ended() {
		t.Error("the agent ended")
	}
}

// With a full disk the agent says so and acknowledges nothing that it could
// not keep; what it did acknowledge is there when it starts with room again.
func TestE2EDiskFull(t *testing.T) {
	w := rig.New(t)
	a := w.NewAgent()
	d := a.EnrolDevice(a.Enrol())
	a.Signal(syscall.SIGTERM)
	w.Wait(a.Process, 15*time.Second)

	// The agent's data on a file system of 1 MB, in namespaces of its own so
	// that no rights are needed. Afterwards the data is copied out.
	full, after, data := w.Path("full"), w.Path("after"), a.Data
	if err := os.MkdirAll(full, 0o700); err != nil {
		t.Fatal(err)
	}
	script := `mount -t tmpfs -o size=1m,mode=700 none "$1" && cp -a "$2/." "$1" && dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null
"$3" serve --data "$1" --listen "$4"; code=$?
rm -f "$1/filler"; mkdir "$5" && cp -a "$1/." "$5"; exit $code`
	a.Process = w.Start("agent", nil, "unshare", "-rm", "sh", "-c", script, "sh", full, data, w.Bin+"/agent", strings.TrimPrefix(a.URL, "https://"), after)
	started := false
	w.Until(15*time.Second, "the agent starts or says why not", func() (bool, string) {
		started = strings.Contains(a.Out.String(), "agent: listening on ")
		return started || a.Ended(), a.Out.String()
	})
	acknowledged := uint64(0)
	if started {
		if err := d.Connect(); err != nil {
			t.Fatalf("the agent takes no connection: %v", err)
		}
		// The newest proof takes the place of the one before, so something
		// that grows has to fill the last room: codes.
		refused := ""
		w.Until(time.Minute, "the disk is full", func() (bool, string) {
			for range 50 {
				if status, said := a.MakeCode(); status != http.StatusCreated {
					refused = fmt.Sprintf("%d %s", status, said)
					return true, ""
				}
			}
			return false, "room for 50 codes more"
		})
		if !strings.HasPrefix(refused, "503 ") || !strings.Contains(refused, "disk") {
			t.Errorf("with a full disk a code is refused by %s", refused)
		}
		if status := ready(t, a); status != http.StatusServiceUnavailable {
			t.Errorf("/readyz answers %d with a full disk", status)
		}
		for d.Prove() == nil { // what it acknowledges it must have kept
			if acknowledged = d.Last.Seq; acknowledged > 20 {
				break
			}
		}
		d.Close()
		t.Logf("acknowledged with a full disk: %d proofs", acknowledged)
		// unshare does not pass signals on: the agent is its grandchild.
		for _, f := range rig.Under(a.Pid()) {
			if f.Name == "agent" {
				syscall.Kill(f.Pid, syscall.SIGTERM)
			}
		}
	}
	w.Wait(a.Process, 20*time.Second)
	if !started {
		complained(t, a.Out.String(), "agent: ", "full")
	}

	a.Data = after
	a.Begin()
	all, err := a.Machines()
	if err != nil || len(all) != 1 {
		t.Fatalf("after the full disk the agent knows %d kiosks (%v)", len(all), err)
	}
	if acknowledged > 0 && (all[0].Proof == nil || all[0].Proof.Seq != acknowledged) {
		t.Errorf("acknowledged were %d proofs, kept is %+v", acknowledged, all[0].Proof)
	}
	if err := d.Connect(); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Prove(); err != nil {
		t.Errorf("with room again the agent does not take the next proof: %v", err)
	}
}

// ready asks the agent whether it can do its work.
func ready(t *testing.T, a *rig.Agent) int {
	t.Helper()
	resp, err := a.Open("/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
