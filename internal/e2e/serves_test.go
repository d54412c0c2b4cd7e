package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// startPages are two services of the scenario's own, of which one can break.
func startPages(t *testing.T) (good, breakable string, broken *atomic.Bool) {
	t.Helper()
	broken = &atomic.Bool{}
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(well.Close)
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(ill.Close)
	return well.URL + "/", ill.URL + "/", broken
}

// A service breaks: staff read that it is not the machine, the machine stays
// free, and when the service is back nobody reads of it any more.
func TestBrowserServiceDown(t *testing.T) {
	good, ill, broken := startPages(t)
	p := &place{World: rig.New(t), town: openTown(t)}
	p.agent = p.NewAgent()
	p.display = p.NewDisplay()
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{})
	p.askPages(map[string]string{rig.TileBank: ill}, good)
	p.kiosk.Begin()
	p.kiosk.In(60*time.Second, fleet.Ready)
	staff := p.agent.SignIn()
	p.agent.Sees(30*time.Second, "nothing of services", func(m rig.Machine) bool {
		return m.Status == fleet.StatusFree && !m.Has(fleet.ServicesDown)
	})
	broken.Store(true)
	p.agent.Sees(90*time.Second, "a service that is down at a machine that is free", func(m rig.Machine) bool {
		return m.Status == fleet.StatusFree && m.Has(fleet.ServicesDown)
	})
	if page := staff.Get("/"); !strings.Contains(page, "Palvelu ei vastaa: "+rig.TileBank+". Vika ei ole koneissa.") {
		t.Errorf("the dashboard does not say which service is down")
	}
	broken.Store(false)
	p.agent.Sees(90*time.Second, "nothing of services any more", func(m rig.Machine) bool { return !m.Has(fleet.ServicesDown) })
}

// askPages has the kiosk's tiles lead to the pages, and the kiosk ask them
// often. Its catalogue is written anew with those addresses.
func (p *place) askPages(tiles map[string]string, others string) {
	p.Helper()
	path := p.Path("kiosk", "catalogue.toml")
	text, err := os.ReadFile(path)
	p.do(err)
	var out []string
	id := ""
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "id = "); ok {
			id = strings.Trim(strings.TrimSpace(v), `"`)
		}
		if strings.HasPrefix(line, "address = ") {
			address := tiles[id]
			if address == "" {
				address = others
			}
			line = fmt.Sprintf("address = %q\n", address)
		}
		out = append(out, line)
	}
	p.Write("kiosk/catalogue.toml", strings.Join(out, ""))
	config, err := os.ReadFile(p.kiosk.Config)
	p.do(err)
	p.do(os.WriteFile(p.kiosk.Config, append(config, "\n[services]\nevery = \"4s\"\n"...), 0o600))
}

// What a site's settings say reaches its kiosk and stays there: staff open the
// web for one client, somebody waits, help is answered with minutes, and a
// kiosk that starts without its agent still serves errands only.
func TestBrowserSiteSettings(t *testing.T) {
	w := rig.New(t)
	config := w.Write("agent.toml", "[sites.illusia]\nmode = \"errands\"\nphone = \"09 123 4567\"\n"+
		"blocked = ["+strings.Repeat("\"casino.example\",", 200)+"]\n") // more than a welcome holds
	p := &place{World: w, town: openTown(t)}
	p.agent = p.NewAgent("--config", config)
	p.display = p.NewDisplay()
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{})
	p.kiosk.Begin()
	p.kiosk.In(60*time.Second, fleet.Ready)
	staff := p.agent.SignIn()
	page := func() string { return staff.Get("/kiosks/" + p.id()) }
	says := func(what string, there bool) {
		t.Helper()
		p.Until(20*time.Second, fmt.Sprintf("the machine's page says %q: %v", what, there), func() (bool, string) {
			return strings.Contains(page(), what) == there, ""
		})
	}
	says("Koneella pääsee vain asiointipalveluihin.", true)
	p.kiosk.Press(rig.TileBank)
	says(`id="do-open_web"`, true)
	staff.Post("/kiosks/"+p.id()+"/open_web", url.Values{})
	says("Koko verkko on auki tälle asiakkaalle.", true)
	says(`id="do-open_web"`, false)
	staff.Post("/kiosks/"+p.id()+"/someone_waits", url.Values{})
	says("Joku odottaa konetta.", true)
	staff.Post("/kiosks/"+p.id()+"/nobody_waits", url.Values{})
	says("Joku odottaa konetta.", false)
	p.kiosk.End()
	p.kiosk.In(20*time.Second, fleet.Ready)
	says("Koko verkko on auki tälle asiakkaalle.", false)

	p.agent.Kill()
	p.kiosk.Signal(syscall.SIGTERM)
	p.Wait(p.kiosk.Process, 20*time.Second)
	p.kiosk.Begin()
	p.kiosk.In(60*time.Second, fleet.Ready)
	kept, err := os.ReadFile(p.kiosk.State + "/settings.json")
	if err != nil || !strings.Contains(string(kept), `"errands"`) || !strings.Contains(string(kept), "09 123 4567") {
		t.Errorf("the kiosk does not keep what the agent said: %v", err)
	}
	p.agent.Begin("--config", config)
	p.agent.Shows(60*time.Second, fleet.StatusFree)
	says("Koneella pääsee vain asiointipalveluihin.", true)
}
