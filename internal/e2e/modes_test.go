package e2e

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/e2e/town"
	"yhteiskone/internal/fleet"
)

// The tiles of these scenarios: the ways in which one is identified.
const (
	tileDirect = "tile3"
	tileFrame  = "tile4"
	tilePhone  = "tile5"
)

// phoneRatio is how much faster than in a centre the clock of a wait for the
// phone runs here: ten minutes are twenty times shorter, and so are the idle
// time of twelve and the warning of two. The state machine itself is tested
// with the real times.
const phoneRatio = 20

// mode opens a place whose kiosk serves so; identification are the hosts of
// identification that its catalogue names.
func mode(t *testing.T, m fleet.Mode, identification ...string) (*place, *rig.Proxy) {
	t.Helper()
	p := &place{World: rig.NewFor(t, 12*time.Minute), town: openTown(t)}
	p.agent = p.NewAgent("--plain-http")
	cable := p.NewProxy(p.agent.URL)
	p.display = p.NewDisplay()
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{Agent: cable.URL(), Top: fmt.Sprintf("mode = %q", m),
		Session: fmt.Sprintf("idle = %q\nwarn = %q", 12*time.Minute/phoneRatio, 2*time.Minute/phoneRatio)})
	p.ways(identification)
	p.kiosk.Begin()
	p.kiosk.In(60*time.Second, fleet.Ready)
	p.kiosk.Is(20*time.Second, "connected", func(s rig.Status) bool { return s.Agent.Connected })
	return p, cable
}

// ways has three tiles lead to the bank's ways of identification.
func (p *place) ways(identification []string) {
	p.Helper()
	path := p.Path("kiosk", "catalogue.toml")
	text, err := os.ReadFile(path)
	p.do(err)
	bank := p.town.Address(town.Bank)
	pages := map[string]string{tileDirect: bank + "suoraan?tapa=" + town.Directly, tileFrame: bank + "kehys",
		tilePhone: bank + "suoraan?tapa=" + town.ByPhone}
	out := fmt.Sprintf("identification = [%s]\n", quoted(identification))
	id := ""
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "id = "); ok {
			id = strings.Trim(strings.TrimSpace(v), `"`)
		}
		if page := pages[id]; page != "" && strings.HasPrefix(line, "address = ") {
			line = fmt.Sprintf("address = %q\n", page)
		}
		out += line
	}
	p.Write("kiosk/catalogue.toml", out)
}

func quoted(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return `"` + strings.Join(words, `", "`) + `"`
}

// Every way in which one is identified works, with the whole web open and with
// nothing but errands open: a pop-up, redirects over two hosts, Back, a frame,
// an answer that is posted back, and ten minutes without the phone.
func TestBrowserIdentificationInBothModes(t *testing.T) {
	for _, m := range []fleet.Mode{fleet.Open, fleet.Errands} {
		t.Run(string(m), func(t *testing.T) {
			p, cable := mode(t, m, town.Identity, town.Chooser)
			var visits []town.Markers
			seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
			for _, way := range []string{rig.TileBank, tileDirect, tileFrame, tilePhone} {
				c := p.client()
				visits = append(visits, c.Visit.Markers)
				p.kiosk.Press(way)
				var err error
				switch way {
				case rig.TileBank:
					err = c.Plant(p.Ctx) // identified in a pop-up
				case tileDirect:
					err = c.Directly(p.Ctx)
				case tileFrame:
					err = c.InFrame(p.Ctx)
				case tilePhone:
					err = c.ByPhone(p.Ctx, 10*time.Minute/phoneRatio, func() error {
						s, err := p.kiosk.Status()
						if err == nil && s.State != fleet.InUse {
							err = fmt.Errorf("the kiosk is %s while its client looks for the phone", s.State)
						}
						return err
					})
				}
				if err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				p.kiosk.End()
				seq = p.kiosk.Wiped(30*time.Second, seq)
			}
			p.secret(cable, visits)
		})
	}
}

// secret checks that nothing of the visits came out of their sessions.
func (p *place) secret(cable *rig.Proxy, visits []town.Markers) {
	p.Helper()
	if leaks := p.town.Leaks(); len(leaks) > 0 {
		p.Errorf("the town saw markers of an earlier visit: %q", leaks)
	}
	p.nowhere("what went over the cable", everything(p.TB.(*testing.T), cable), visits...)
	p.nowhere("what the programs printed", []byte(p.Logs()), visits...)
	p.nowhere("the agent's data", files(p.TB.(*testing.T), p.agent.Data), visits...)
	p.nowhere("the kiosk's state", files(p.TB.(*testing.T), p.kiosk.State), visits...)
	running := files(p.TB.(*testing.T), p.kiosk.Runtime) // the catalogue's hosts are there, in the policy
	for _, m := range visits {
		if found := m.Find(running); len(running) == 0 || len(found) > 0 {
			p.Errorf("what the kiosk keeps while it runs holds markers: %q", found)
		}
	}
}

// A host of identification that nobody knew of: the client is told so, asks for
// help, staff open the web for them, and the errand is finished. Staff, the
// agent and the kiosk learn nothing of where that was.
func TestBrowserMissingHost(t *testing.T) {
	p, cable := mode(t, fleet.Errands, town.Identity)
	staff := p.agent.SignIn()
	p.agent.Sees(20*time.Second, "free", func(m rig.Machine) bool { return m.Status == fleet.StatusFree })
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	c := p.client()
	p.kiosk.Press(tileDirect)
	if _, err := c.Seen(p.Ctx, town.Bank, "direct"); err != nil {
		t.Fatal(err)
	}
	p.until(60*time.Second, "the client asks for help on the page that says so", func() (bool, string) {
		p.do(p.display.Key(p.Ctx, "Return")) // first the link, then the page's own button
		s, err := p.kiosk.Status()
		return err == nil && s.Help != "", fmt.Sprint(s.Help, err)
	})
	if c.Visit.Peek(town.Chooser, "shown:codes") {
		t.Fatal("the host that is not on the list was opened")
	}
	p.Until(20*time.Second, "staff see the call", func() (bool, string) {
		return strings.Contains(staff.Get("/kiosks/"+p.id()), `id="do-open_web"`), ""
	})
	staff.Post("/kiosks/"+p.id()+"/open_web", url.Values{})
	p.until(60*time.Second, "the client opens the page", func() (bool, string) {
		if c.Visit.Peek(town.Chooser, "shown:codes") {
			return true, ""
		}
		p.do(p.display.Key(p.Ctx, "Return"))
		return false, c.Visit.Heard()
	})
	if err := c.InFrame(p.Ctx); err != nil { // the codes, in the page itself
		t.Fatal(err)
	}
	p.kiosk.End()
	seq = p.kiosk.Wiped(30*time.Second, seq)

	// The next client's kiosk is for errands again.
	next := p.client()
	p.kiosk.Press(tileDirect)
	if _, err := next.Seen(p.Ctx, town.Bank, "direct"); err != nil {
		t.Fatal(err)
	}
	p.until(60*time.Second, "the next client asks for help too", func() (bool, string) {
		p.do(p.display.Key(p.Ctx, "Return"))
		s, err := p.kiosk.Status()
		return err == nil && s.Help != "", fmt.Sprint(s.Help, err)
	})
	if next.Visit.Peek(town.Chooser, "shown:codes") {
		t.Error("the web is still open for the next client")
	}
	p.kiosk.End()
	p.kiosk.Wiped(30*time.Second, seq)
	p.secret(cable, []town.Markers{c.Visit.Markers, next.Visit.Markers})
}
