package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/staff"
)

// The page about the agent itself says what somebody must do, and only then.
func TestAgentPage(t *testing.T) {
	h := newHouse(t)
	c := h.person("teppo", staff.Technician, "")
	now := h.board.Now()
	well := Health{Started: now.Add(-time.Hour), Kiosks: 9, Connected: 7, Connections: 12, Refused: 3, Store: 5 << 20, Free: 12 << 30,
		Backup: BackupHealth{At: now.Add(-2 * time.Hour), Bytes: 300, Count: 4}, Goroutines: 42, Memory: 18 << 20}
	page := func(change func(*Health)) string {
		t.Helper()
		now := well
		change(&now)
		h.board.Health = func() Health { return now }
		status, html, _ := h.get(c, "/agent?lang=fi")
		if status != http.StatusOK {
			t.Fatal(status)
		}
		return html
	}
	html := page(func(*Health) {})
	for _, want := range []string{"Palvelin on kunnossa", "7 / 9", "12", "5 Mt", "12,0", "18 Mt", "42", "alle 1 Mt"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not on the page:\n%s", want, html)
		}
	}
	for want, change := range map[string]func(*Health){
		"Palvelin ei voi tallentaa":                          func(h *Health) { h.Failing = true },
		"Palvelimen kello on väärässä: se jätättää 3 tuntia": func(h *Health) { h.ClockOff = 3 * time.Hour },
		"Palvelimen kello on väärässä: se edistää 2 tuntia":  func(h *Health) { h.ClockOff = -2 * time.Hour },
		"Varmuuskopion teko ei":                              func(h *Health) { h.Backup.Failed = true },
		"Varmuuskopioita ei tehdä":                           func(h *Health) { h.Backup.Never = true },
		"damaged-x":                                          func(h *Health) { h.Mended = MendedHealth{now.Add(-time.Hour), now.Add(-30 * time.Hour), "damaged-x"} },
		"Varmenne vanhenee":                                  func(h *Health) { h.Certificate = now.Add(3 * 24 * time.Hour) },
	} {
		if html := page(change); !strings.Contains(html, want) || strings.Contains(html, "Palvelin on kunnossa") {
			t.Errorf("%q is not said:\n%s", want, html)
		}
	}
	if html := page(func(h *Health) { h.Certificate = now.Add(60 * 24 * time.Hour) }); !strings.Contains(html, "Palvelin on kunnossa") {
		t.Error("a certificate that lasts is a worry")
	}
	if html := page(func(h *Health) { h.Backup = BackupHealth{} }); !strings.Contains(html, "Ensimmäinen tehdään") {
		t.Error("no backup yet, and nobody says so")
	}
	if html := page(func(h *Health) { h.Backup = BackupHealth{Never: true} }); strings.Contains(html, "Ensimmäinen tehdään") || !strings.Contains(html, "Ei ole.") {
		t.Error("a backup is promised where none are made")
	}
}
