package e2e

import (
	"cmp"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// MomentsEnv says how many random moments the matrix tries in each cell; one
// if it is not set. `make matrix` tries twenty.
const momentsEnv = "YHTEISKONE_MOMENTS"

// seedEnv is another seed than the usual one.
const seedEnv = "YHTEISKONE_SEED"

// matrixState is a state in which something happens to the kiosk.
type matrixState struct {
	name    string
	session bool          // a client is there
	within  time.Duration // the moment lies this far into the state at most
	reach   func(*matrix)
	after   fleet.State // where the kiosk is when all is over
	home    fleet.State // where it is before; ready if empty
	agent   string      // lines of the agent's configuration
	// unproved says that the state is one of a wipe that was not verified: only
	// a start anew, which wipes and looks again, leads out of it.
	unproved bool
}

// matrixEnd is what happens to it.
type matrixEnd struct {
	name    string
	session bool // only a client or staff in a session can do it
	happen  func(m *matrix)
	never   string // a state in which it cannot be done
	anew    bool   // the kiosk is started anew
}

func matrixStates() []matrixState {
	return []matrixState{
		{name: "starting", within: 1500 * time.Millisecond, reach: func(p *matrix) {
			p.kiosk.Kill() // the start after a crash has most to do
			p.kiosk.Begin()
		}, after: fleet.Ready},
		{name: "ready", within: 400 * time.Millisecond, reach: func(p *matrix) {}, after: fleet.Ready},
		{name: "in_use", session: true, within: 2500 * time.Millisecond, reach: func(p *matrix) { p.begin() }, after: fleet.Ready},
		{name: "warning", session: true, within: 2 * time.Second, reach: func(p *matrix) {
			p.begin()
			p.kiosk.In(15*time.Second, fleet.Warning)
		}, after: fleet.Ready},
		{name: "erasing", within: 250 * time.Millisecond, reach: func(p *matrix) {
			p.begin()
			p.kiosk.End()
		}, after: fleet.Ready},
		{name: "out_of_service", within: 400 * time.Millisecond, reach: func(p *matrix) {
			p.staff.Post("/kiosks/"+p.id()+"/out_of_service", url.Values{})
			p.kiosk.In(10*time.Second, fleet.OutOfService)
		}, after: fleet.OutOfService},
		{name: "closed", within: 400 * time.Millisecond, reach: func(p *matrix) {}, after: fleet.Closed, home: fleet.Closed,
			agent: "[sites.illusia.hours]\n\"2026-01-01\" = \"closed\"\n"}, // and every other day as well
		{name: "out_of_order", within: 400 * time.Millisecond, reach: func(p *matrix) {
			p.begin()
			_, canary := p.kiosk.Session()
			left := filepath.Join("/tmp", "left-over-"+canary[:8])
			p.do(os.WriteFile(left, []byte(canary), 0o600)) // the wipe finds it, counts it and removes it
			p.Cleanup(func() { os.Remove(left) })
			p.kiosk.End()
			p.kiosk.In(20*time.Second, fleet.OutOfOrder)
		}, after: fleet.OutOfOrder, unproved: true},
	}
}

func matrixEnds() []matrixEnd {
	return []matrixEnd{
		// The last seconds of a warning cover the strip with one question.
		{name: "button", session: true, happen: func(m *matrix) { m.handOnMouse(); m.pressEnd() }, never: "warning"},
		{name: "idle", session: true, happen: func(m *matrix) { m.idle() }},
		{name: "limit", session: true, happen: func(m *matrix) { m.limit() }},
		{name: "command", session: true, happen: func(m *matrix) {
			m.staff.Post("/kiosks/"+m.id()+"/end_session", url.Values{"now": {"1"}})
		}},
		{name: "local", session: true, happen: func(m *matrix) { m.kiosk.End() }},
		{name: "browser", happen: func(m *matrix) { m.killBrowser() }},
		{name: "shell", happen: func(m *matrix) { m.killIfThere(m.kiosk.Shell) }},
		{name: "stop", happen: func(m *matrix) { m.stop() }, anew: true},
		{name: "interruption", happen: func(m *matrix) {
			m.kiosk.Kill()
			m.Until(5*time.Second, "everything ends with the kiosk", func() (bool, string) {
				strays := m.Strays()
				return len(strays) == 0, fmt.Sprint(strays)
			})
			m.kiosk.Begin()
		}, anew: true},
		{name: "power cut", happen: func(m *matrix) { m.powerCut() }, anew: true},
	}
}

// matrix is one place in which one end is tried in every state.
type matrix struct {
	*place
	staff *rig.Staff
}

// begin starts a session as soon as the kiosk lets somebody: a part that was
// killed a moment ago may still have to be missed, by the session too.
func (m *matrix) begin() {
	m.until(20*time.Second, "a session begins", func() (bool, string) {
		code, _, errs := m.Run(nil, m.Bin+"/kiosk", "start", "--tile", rig.TileBank, "--config", m.kiosk.Config)
		if code != 0 {
			return false, errs
		}
		s, err := m.kiosk.Status()
		return err == nil && s.State.InSession(), "it was over at once"
	})
}

// handOnMouse moves it until the strip is there. Sessions here are idle so soon
// that the question of the last seconds could cover the strip before a hand
// that lies still presses End.
func (m *matrix) handOnMouse() {
	m.Until(10*time.Second, "the strip is there", func() (bool, string) {
		m.do(m.display.Move(m.Ctx, 400+int(time.Now().UnixMilli()%50), 300))
		return m.shell().H == stripHeight, fmt.Sprintf("the shell's window is %+v", m.shell())
	})
}

// stop asks the kiosk to stop and starts it anew.
func (m *matrix) stop() {
	m.kiosk.Signal(syscall.SIGTERM)
	m.Wait(m.kiosk.Process, 20*time.Second)
	m.kiosk.Begin()
}

// killIfThere kills a process that may just not be there: in starting and
// erasing that is a moment like others. It waits until the process is gone:
// otherwise what follows would look at the kiosk of before.
func (m *matrix) killIfThere(pid func() int) {
	p := pid()
	if p == 0 {
		return
	}
	syscall.Kill(p, syscall.SIGKILL)
	m.Until(10*time.Second, "the killed process is gone", func() (bool, string) {
		return pid() != p, fmt.Sprintf("process %d", p)
	})
}

// killBrowser kills the client's browser and waits until the kiosk has noticed:
// whenever one is lost, in a session or before one, what it left is wiped and
// proved. A session that began in between would be the dead one's.
func (m *matrix) killBrowser() {
	before, err := m.kiosk.Status()
	if m.kiosk.Browser() == 0 || err != nil || before.Proof == nil {
		m.killIfThere(m.kiosk.Browser)
		return
	}
	m.killIfThere(m.kiosk.Browser)
	m.Until(20*time.Second, "the kiosk misses its browser", func() (bool, string) {
		s, err := m.kiosk.Status()
		if err != nil {
			return false, err.Error()
		}
		return s.Proof != nil && s.Proof.Seq > before.Proof.Seq, fmt.Sprintf("%+v", s)
	})
}

// idle waits for the end that comes by itself when nobody touches anything.
func (m *matrix) idle() {
	m.Until(25*time.Second, "the idle session ends", func() (bool, string) {
		s, err := m.kiosk.Status()
		return err == nil && !s.State.InSession(), string(s.State)
	})
}

// limit keeps the machine busy until somebody who waits gets it.
func (m *matrix) limit() {
	m.staff.Post("/kiosks/"+m.id()+"/someone_waits", url.Values{})
	m.Until(25*time.Second, "the session ends at its limit", func() (bool, string) {
		m.do(m.display.Move(m.Ctx, 400+int(time.Now().UnixMilli()%50), 300))
		s, err := m.kiosk.Status()
		return err == nil && !s.State.InSession(), string(s.State)
	})
}

// left looks by itself, not trusting the kiosk's proof, for processes of the
// session and for files that hold its canary.
func (m *matrix) left(token, canary string) (found []string) {
	if token == "" {
		return nil
	}
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), token) {
			found = append(found, path)
		}
	}
	for _, root := range []string{m.Dir, os.TempDir(), "/tmp", "/var/tmp", "/dev/shm", os.Getenv("HOME"), os.Getenv("XDG_RUNTIME_DIR")} {
		if root == "" {
			continue
		}
		var here syscall.Stat_t
		if syscall.Stat(root, &here) != nil {
			continue
		}
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			var there syscall.Stat_t
			if err == nil && d.IsDir() && (syscall.Lstat(path, &there) != nil || there.Dev != here.Dev) {
				return fs.SkipDir // another's mount, such as /proc of a root that is being made
			}
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			info, err := d.Info()
			if err != nil || info.Size() > 1<<20 || time.Since(info.ModTime()) > 2*time.Minute {
				return nil
			}
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), canary) {
				found = append(found, path)
			}
			return nil
		})
	}
	return found
}

// try lets the end happen at one moment of the state.
func (m *matrix) try(s matrixState, e matrixEnd, moment time.Duration) {
	m.Helper()
	home := cmp.Or(s.home, fleet.Ready)
	before := m.kiosk.In(30*time.Second, home).Proof.Seq
	s.reach(m)
	timer := time.NewTimer(moment)
	<-timer.C
	token, canary := m.kiosk.Session()
	if token == "" && s.session {
		m.Fatal("the session has no token: what it leaves could not be found")
	}
	e.happen(m)
	after, proved := s.after, true
	if s.unproved {
		if proved = e.anew; e.anew {
			after = home
		}
	}
	var last rig.Status
	m.Until(30*time.Second, "the kiosk is well again", func() (bool, string) {
		if m.kiosk.Ended() {
			m.kiosk.Begin() // as the service manager does
		}
		var err error
		if last, err = m.kiosk.Status(); err != nil {
			return false, err.Error()
		}
		if last.Proof == nil || last.Proof.OK != proved {
			return false, fmt.Sprintf("%+v", last)
		}
		return last.State == after && (!s.session || last.Proof.Seq > before), fmt.Sprintf("%+v", last)
	})
	if now, _ := m.kiosk.Session(); now != token && proved {
		if found := m.left(token, canary); len(found) > 0 {
			m.Fatalf("%s, %v after %s: left behind: %v", e.name, moment, s.name, found)
		}
	}
	if after != fleet.Ready {
		m.letsNobodyIn(after)
	}
	switch {
	case s.after == fleet.OutOfService:
		m.staff.Post("/kiosks/"+m.id()+"/in_service", url.Values{})
	case !proved: // what leads out of it, so that the next moment can be tried
		m.stop()
		m.kiosk.Wiped(60*time.Second, before)
	}
}

// chain checks the signatures and the order of all proofs, and that those are
// clean which must be.
func (m *matrix) chain(s matrixState) {
	m.Helper()
	if !s.unproved {
		m.kiosk.Proofs()
		return
	}
	code, out, errs := m.Run(nil, m.Bin+"/kiosk", "proofs", "verify", m.kiosk.State+"/proofs.jsonl")
	if code != 1 || !strings.Contains(out, "in an unbroken chain") || !strings.Contains(errs, "a wipe was not verified") {
		m.Fatalf("the proofs of wipes that were not verified: code %d: %s%s", code, out, errs)
	}
}

// letsNobodyIn tries to begin a session in a state in which there must be none.
func (m *matrix) letsNobodyIn(s fleet.State) {
	m.Helper()
	if code, _, errs := m.Run(nil, m.Bin+"/kiosk", "start", "--tile", rig.TileBank, "--config", m.kiosk.Config); code != 3 {
		m.Fatalf("%s lets somebody in, or says so wrongly: code %d: %s", s, code, errs)
	}
	m.kiosk.In(30*time.Second, s) // it may just be missing what was killed
}

// Whatever happens, in whatever state and at whatever moment: afterwards the
// kiosk serves again, with a good proof, and nothing of the session is left.
func TestBrowserMatrix(t *testing.T) {
	moments, seed := 1, uint64(20261122)
	if n, err := strconv.Atoi(os.Getenv(momentsEnv)); err == nil {
		moments = n
	}
	if n, err := strconv.ParseUint(os.Getenv(seedEnv), 10, 64); err == nil {
		seed = n
	}
	tried := 0
	for i, e := range matrixEnds() {
		for j, group := range groups(e, moments) {
			moment := rand.New(rand.NewPCG(seed, uint64(i)<<8|uint64(j))) // of its own: a cell alone has the same moments
			t.Run(e.name+"/"+group[0].name, func(t *testing.T) {
				m := enterMatrix(t, group[0])
				for _, s := range group {
					for range moments {
						m.try(s, e, time.Duration(moment.Int64N(int64(s.within))))
						tried++
					}
				}
				m.chain(group[0])
			})
		}
	}
	if !t.Failed() {
		t.Logf("matrix: %d ends at random moments, seed %d: every wipe verified", tried, seed)
	}
}

// enterMatrix sets up what the state needs.
func enterMatrix(t *testing.T, s matrixState) *matrix {
	t.Helper()
	p := &place{World: rig.NewFor(t, 12*time.Minute), town: openTown(t)}
	p.agent = p.NewAgent("--config", p.Write("agent.toml", s.agent))
	p.display = p.NewDisplay()
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{
		Session: "idle = \"6s\"\nwarn = \"4s\"\nlimit = \"0s\"\nnotice = \"7s\""})
	p.kiosk.Begin()
	p.kiosk.In(30*time.Second, cmp.Or(s.home, fleet.Ready))
	return &matrix{place: p, staff: p.agent.SignIn()}
}

// groups are the states in which the end can happen. Each group is tried at a
// kiosk of its own, so that none takes longer than a scenario may.
func groups(e matrixEnd, moments int) (groups [][]matrixState) {
	for _, s := range matrixStates() {
		switch {
		case e.session && !s.session, e.never == s.name: // nobody is there to do it
		case moments == 1 && (s.agent != "" || s.unproved) && e.name != "shell" && e.name != "power cut": // all of them in `make matrix`
		case moments > 3 || len(groups) == 0 || s.agent != "" || s.unproved:
			groups = append(groups, []matrixState{s})
		default:
			groups[0] = append(groups[0], s)
		}
	}
	return groups
}
