package wire

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"yhteiskone/internal/fleet"
)

var update = flag.Bool("update", false, "write the golden messages anew: only together with a new Version")

func ptr[T any](v T) *T { return &v }

// examples is one full message of every kind.
func examples() map[string]Message {
	at := time.Date(2026, 11, 21, 10, 41, 0, 0, time.UTC)
	bytes32, bytes64 := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 64)
	settings := SettingsBody{Version: 3, SiteName: "Illusia", KioskName: "Kone 3", IdleS: 600, WarnS: 60, LimitS: 3600}
	return map[string]Message{
		"challenge": Challenge{Nonce: bytes32},
		"hello": Hello{Kiosk: "kabcdefghij23", Version: 1, Boot: "0123456789abcdef", Build: "a1b2c3", Nonce: bytes32,
			Signature: bytes64},
		"welcome": Welcome{Signature: bytes64, ReportS: 15, Applied: 12, Time: at, Settings: settings},
		"report": Report{At: at, State: fleet.InUse, Since: at, UptimeS: 3600, Faults: []fleet.Code{fleet.KioskRestarted},
			Health: Health{CPUPercent: ptr(12.5), MemoryTotal: ptr(uint64(4 << 30)), MemoryFree: ptr(uint64(1 << 30)),
				DiskTotal: ptr(uint64(64 << 30)), DiskFree: ptr(uint64(32 << 30)), Load1: ptr(0.4), TemperatureC: ptr(51.0),
				NetworkUp: ptr(true), BytesIn: ptr(uint64(9)), BytesOut: ptr(uint64(8)), ShellPaints: ptr(true),
				BrowserAlive: ptr(true), BrowserInPlace: ptr(false)},
			Proof: &ProofBrief{Seq: 4, At: at, Clean: true}},
		"proof": Proof{Seq: 13, Proof: ProofBody{Seq: 5, At: at, Prev: bytes32,
			Looks: []Look{{At: "processes", Looked: 14}, {At: "files", Looked: 300, Found: 1, Failed: true}}, TookMS: 120, Signature: bytes64}},
		"counts": Counts{Seq: 14, Day: "2026-11-20", Sessions: 9, Lengths: map[string]uint32{"5_15": 9},
			Tiles: map[string]uint32{"benefits": 9}, Ends: map[fleet.End]uint32{fleet.EndButton: 9}, HelpCalls: 2},
		"help":      Help{Seq: 15, Call: "0123456789abcdef"},
		"help_over": HelpOver{Seq: 16, Call: "0123456789abcdef"},
		"result":    Result{Seq: 17, Command: "fedcba9876543210", Why: "expired"},
		"ack":       Ack{Seq: 17},
		"command":   Order{ID: "fedcba9876543210", Name: fleet.ShowMessage, Text: "Suljemme kello 15.", Now: true, TTLS: 600},
		"sheet": Sheet{Seq: 18, Sheet: SheetBody{Command: "fedcba9876543210", At: at, Build: "a1b2c3", Image: "1.2", Hardware: "Dell OptiPlex, 3.8 GiB",
			Proof: &ProofBrief{Seq: 4, At: at, Clean: true}, Rows: []SheetRow{{Code: "memory", Mark: fleet.Passed, Value: "3.8 GiB"}, {Code: "way_36", Mark: fleet.ByHand}},
			Signature: bytes64}},
		"settings":    Settings{Settings: settings},
		"help_answer": HelpAnswer{Call: "0123456789abcdef", Answer: fleet.ComingSoon},
	}
}

// later is messages with every field that was added after the first version.
func later() map[string]Message {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	all := examples()
	report := all["report"].(Report)
	report.Health.Keyboards, report.Health.Pointers, report.Health.Touch = ptr(1), ptr(2), ptr(false)
	report.Health.Screens, report.Health.Resolution = ptr(1), ptr("1366x768")
	report.Health.USBChanges, report.Health.NewKeyboards = ptr(3), ptr(0)
	report.Health.Sound, report.Health.CardReader = ptr(true), ptr(false)
	report.Health.DiskHealthy, report.Health.ClockSet, report.Health.Updates = ptr(true), ptr(true), ptr(0)
	report.Health.OnMains, report.Health.Battery, report.Health.Swap = ptr(true), ptr(97), ptr(false)
	report.Serves = &Serves{Mode: fleet.Errands, Web: true, Waiting: true, Settings: 12, Probed: 25, Down: []string{"kela", "omakanta"}}
	settings := all["settings"].(Settings)
	settings.Settings.NoticeS, settings.Settings.Mode = 900, fleet.Errands
	settings.Settings.Blocked = []string{"casino.example", "*.casino.example"}
	settings.Settings.Languages = []string{"fi", "sv", "en"}
	day := [][2]int{{540, 900}}
	settings.Settings.Hours = &Hours{Week: [7][][2]int{{}, day, day, {{540, 720}, {780, 1200}}, day, day, {}},
		Days: map[string][][2]int{"2026-12-06": {}, "2026-12-24": {{540, 660}}}}
	settings.Settings.Support = []Support{{at, at.Add(2 * time.Hour)}}
	settings.Settings.Phone = "09 123 4567"
	welcome := all["welcome"].(Welcome)
	welcome.More = true
	counts := all["counts"].(Counts)
	counts.Outcomes = map[fleet.Outcome]uint32{fleet.GotDone: 4, fleet.NoCodes: 2, fleet.PageBroken: 1}
	answer := all["help_answer"].(HelpAnswer)
	answer.Minutes, answer.Who = 5, "Aino"
	order := all["command"].(Order)
	order.Name, order.Text, order.Now = fleet.OpenWeb, "", false
	image := order
	image.Name, image.Image = fleet.UpdateImage, &Image{"2026.12.1", strings.Repeat("0f", 32), "kabcdefghijkl.1796000000.AbC-_9", true}
	worded := settings
	worded.Settings.Welcome = &Text{"Kahvi on kuumaa.", "Kaffet är hett.", "The coffee is hot."}
	offering := worded
	offering.Settings.Offer = &Offer{Shown: []string{"own-1", "bank", "kela", "email"}, Own: []Service{
		{Text{"Ruokajono", "Matkö", "Food aid"}, "https://ruoka.example/jono", []string{"tunnistus.example", "*.ruoka.example"}}}}
	moving := offering
	moving.Settings.Agents = []string{"https://new.example:8443"}
	woken, waking := report, order
	woken.Health.WiredMAC = ptr("52:54:00:12:34:56")
	waking.Name, waking.MAC = fleet.Wake, "52:54:00:12:34:57"
	return map[string]Message{"report_3": woken, "command_3": waking, "report_2": report, "settings_2": settings, "settings_3": worded, "settings_4": offering, "settings_5": moving, "welcome_2": welcome, "counts_2": counts,
		"help_answer_2": answer, "command_2": order, "command_image": image}
}

// TestGolden holds the frames of version 1: kiosks in the field send them and
// expect them. Those of the first day are never written anew, and what was
// added later is in files of its own.
func TestGolden(t *testing.T) {
	all := examples()
	for kind := range kinds() {
		if _, ok := all[kind]; !ok {
			t.Errorf("no example of %q", kind)
		}
	}
	first := len(all)
	maps.Copy(all, later())
	if len(all) != first+len(later()) {
		t.Error("a later example took the place of an earlier one")
	}
	for name, m := range all {
		frame, err := Encode(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(path, append(frame, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(frame) + "\n"; got != string(want) {
			t.Errorf("%s changed on the wire:\n%s", name, cmp.Diff(string(want), got))
		}
		back, err := Decode(bytes.TrimSpace(want))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(m, back); diff != "" {
			t.Errorf("%s does not come back:\n%s", name, diff)
		}
	}
}

// Every field of what can be added to is in a golden file, so that none
// changes its name unnoticed.
func TestGoldenIsComplete(t *testing.T) {
	var empty func(t *testing.T, path string, v reflect.Value)
	empty = func(t *testing.T, path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				t.Errorf("%s is in no golden file", path)
			} else if v.Elem().Kind() == reflect.Struct {
				empty(t, path, v.Elem())
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range v.NumField() {
				empty(t, path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		default:
			if v.IsZero() {
				t.Errorf("%s is in no golden file", path)
			}
		}
	}
	for name, m := range later() {
		if name == "settings_2" || name == "settings_3" || name == "settings_4" || name == "report_2" {
			continue // settings_5 and report_3 have all of it
		}
		switch m := m.(type) {
		case Report, Settings, Counts, HelpAnswer:
			empty(t, name, reflect.ValueOf(m))
		}
	}
}

// What is sent as fleet's words arrives as the same words.
func TestWordsSurvive(t *testing.T) {
	all := later()
	r := all["report_3"].(Report).Fleet()
	if diff := cmp.Diff(r, ReportOf(r).Fleet()); diff != "" || r.Serves.Mode != fleet.Errands || *r.Health.Battery != 97 {
		t.Errorf("a report changes:\n%s", diff)
	}
	s := all["settings_5"].(Settings).Settings.Fleet()
	if diff := cmp.Diff(s, SettingsOf(s).Fleet(), cmpopts.EquateEmpty()); diff != "" || s.Hours.Week[3][1].To != 1200 || s.Welcome.SV != "Kaffet är hett." || s.Offer.Own[0].Name.SV != "Matkö" {
		t.Errorf("settings change:\n%s", diff)
	}
	if s := all["settings_2"].(Settings).Settings.Fleet(); s.Offer != nil || SettingsOf(s).Offer != nil {
		t.Error("settings that say nothing of services say something")
	}
	if closed, ok := SettingsOf(s).Fleet().Hours.Days["2026-12-06"]; !ok || len(closed) != 0 {
		t.Error("a day that is closed all day is lost on the way")
	}
	sheet := examples()["sheet"].(Sheet).Sheet
	if diff := cmp.Diff(sheet, SheetOf(sheet.Fleet("kabcdefghij23"))); diff != "" || sheet.Fleet("kabcdefghij23").Kiosk != "kabcdefghij23" {
		t.Errorf("a sheet changes:\n%s", diff)
	}
	c := all["counts_2"].(Counts).Fleet()
	if diff := cmp.Diff(c, CountsOf(3, c).Fleet()); diff != "" || c.Outcomes[fleet.NoCodes] != 2 {
		t.Errorf("counts change:\n%s", diff)
	}
}

// A welcome with many settings is cut to what a kiosk reads before it trusts
// the agent, and says that more follows.
func TestWelcomeFit(t *testing.T) {
	small := examples()["welcome"].(Welcome)
	if got := small.Fit(); got.More || got.Settings.SiteName != "Illusia" {
		t.Errorf("a small welcome is cut: %+v", got)
	}
	large := small
	large.Settings = later()["settings_2"].(Settings).Settings
	for i := range 100 {
		large.Settings.Blocked = append(large.Settings.Blocked, fmt.Sprintf("casino-%d.example", i))
	}
	got := large.Fit()
	frame, err := Encode(got)
	if err != nil || len(frame) > LimitBefore {
		t.Fatalf("a large welcome has %d bytes, error %v", len(frame), err)
	}
	if !got.More || got.Settings.IdleS != 600 || got.Settings.KioskName != "Kone 3" || len(got.Settings.Blocked) != 0 {
		t.Errorf("a large welcome says %+v", got)
	}
}

func TestBeforeWelcomeFits(t *testing.T) {
	all := examples()
	hello := all["hello"].(Hello)
	hello.Build = strings.Repeat("x", 60)
	welcome := all["welcome"].(Welcome)
	welcome.Signature = bytes.Repeat([]byte{1}, SignatureLimit)
	welcome.Settings.SiteName, welcome.Settings.KioskName = strings.Repeat("ä", fleet.NameLimit), strings.Repeat("ä", fleet.NameLimit)
	for _, m := range []Message{all["challenge"], hello, welcome} {
		frame, err := Encode(m)
		if err != nil || len(frame) > LimitBefore {
			t.Errorf("%s at its largest: %d bytes, error %v; both ends read %d", m.kind(), len(frame), err, LimitBefore)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Encode(examples()["help"])
	if err != nil {
		t.Fatal(err)
	}
	for name, frame := range map[string]string{
		"nothing":              ``,
		"no object":            `[]`,
		"no type":              `{"seq":1}`,
		"null type":            `{"type":null}`,
		"unknown type":         `{"type":"exec","cmd":"id"}`,
		"trailing bytes":       string(good) + `{}`,
		"missing field":        `{"type":"ack"}`,
		"wrong type":           `{"type":"ack","seq":"1"}`,
		"fraction":             `{"type":"ack","seq":1.5}`,
		"negative":             `{"type":"ack","seq":-1}`,
		"seq too large":        `{"type":"ack","seq":9007199254740993}`,
		"call too short":       `{"type":"help","seq":1,"call":"0123"}`,
		"call not hex":         `{"type":"help","seq":1,"call":"0123456789ABCDEF"}`,
		"nonce too short":      `{"type":"challenge","nonce":"AAAA"}`,
		"unknown answer":       `{"type":"help_answer","call":"0123456789abcdef","answer":"maybe"}`,
		"huge idle":            `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":9223372036854775807,"warn_s":60,"limit_s":0}}`,
		"warn over idle":       `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":61,"limit_s":0}}`,
		"state unknown":        `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"fine","uptime_s":1,"faults":[],"health":{}}`,
		"no time":              `{"type":"report","state":"ready","uptime_s":1,"faults":[],"health":{}}`,
		"cpu over 100":         `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{"cpu_percent":101}}`,
		"mode unknown":         `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"mode":"shop"}}`,
		"welcome in one":       `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"welcome":{"fi":"Hei","sv":"","en":""}}}`,
		"welcome too long":     `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"welcome":{"fi":"` + strings.Repeat("ä", 101) + `","sv":"a","en":"a"}}}`,
		"offer of nothing":     `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"offer":{"shown":[]}}}`,
		"offer of a number":    `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"offer":{"shown":["own-1"],"own":[{"name":{"fi":"a","sv":"a","en":"a"},"address":"https://127.0.0.1/"}]}}}`,
		"wake of nobody":       `{"type":"command","id":"00000000000000aa","name":"wake","ttl_s":60}`,
		"wake of everybody":    `{"type":"command","id":"00000000000000aa","name":"wake","ttl_s":60,"mac":"ff:ff:ff:ff:ff:ff"}`,
		"a card with another":  `{"type":"command","id":"00000000000000aa","name":"identify","ttl_s":60,"mac":"52:54:00:12:34:56"}`,
		"a card's address":     `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{"wired_mac":"kone 3"}}`,
		"an agent in the open": `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"agents":["http://agent.example"]}}`,
		"blocked address":      `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"blocked":["https://a.example/"]}}`,
		"hours overlap":        `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"hours":{"week":[[[0,600],[500,700]],[],[],[],[],[],[]]}}}`,
		"hours next day":       `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"hours":{"week":[[[600,1500]],[],[],[],[],[],[]]}}}`,
		"support inside out":   `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"support":[{"from":"2026-11-21T10:00:00Z","to":"2026-11-21T10:00:00Z"}]}}`,
		"notice negative":      `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"notice_s":-1}}`,
		"keyboards negative":   `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{"keyboards":-1}}`,
		"battery over 100":     `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{"battery":101}}`,
		"a page as resolution": `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{"resolution":"https://a.example/page"}}`,
		"down too long":        `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{},"serves":{"down":["` + strings.Repeat("ä", 61) + `"]}}`,
		"down with nothing":    `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{},"serves":{"down":[""]}}`,
		"minutes over 120":     `{"type":"help_answer","call":"0123456789abcdef","answer":"coming_soon","minutes":121}`,
		"who too long":         `{"type":"help_answer","call":"0123456789abcdef","answer":"coming","who":"` + strings.Repeat("ä", 61) + `"}`,
		"outcome too long":     `{"type":"counts","seq":1,"day":"2026-11-20","outcomes":{"` + strings.Repeat("x", 41) + `":1}}`,
		"sheet unsigned":       `{"type":"sheet","seq":1,"sheet":{"command":"00000000000000aa","at":"2026-11-21T10:00:00Z","build":"x","rows":[{"code":"memory","mark":"passed"}]}}`,
		"sheet of nothing":     sheetWith(`"rows":[]`),
		"sheet of too much":    sheetWith(`"rows":[` + strings.Repeat(`{"code":"memory","mark":"passed"},`, 120) + `{"code":"memory","mark":"passed"}]`),
		"sheet with a page":    sheetWith(`"rows":[{"code":"memory","mark":"passed","value":"` + strings.Repeat("x", 65) + `"}]`),
		"sheet with a line":    sheetWith(`"rows":[{"code":"memory","mark":"passed","value":"a\nb"}]`),
		"sheet with a tag":     sheetWith(`"rows":[{"code":"<b>","mark":"passed"}]`),
		"sheet without a mark": sheetWith(`"rows":[{"code":"memory","mark":""}]`),
		"sheet of no build":    sheetWith(`"build":"","rows":[{"code":"memory","mark":"passed"}]`),
		"sheet of no command":  sheetWith(`"command":"x","rows":[{"code":"memory","mark":"passed"}]`),
		"sheet of proof 0":     sheetWith(`"proof":{"seq":0,"at":"2026-11-21T10:00:00Z","clean":true},"rows":[{"code":"memory","mark":"passed"}]`),
		"not UTF-8 time":       "{\"type\":\"report\",\"at\":\"\xff\"}",
	} {
		if m, err := Decode([]byte(frame)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: decoded to %v, error %v", name, m, err)
		}
	}
	if _, err := Decode([]byte(`{"type":"ack","seq":1,"new_in_version_2":{"a":[1]}}`)); err != nil {
		t.Errorf("an unknown field is not passed over: %v", err)
	}
}

// sheetWith is the frame of a sheet whose other fields are right.
func sheetWith(fields string) string {
	return `{"type":"sheet","seq":1,"sheet":{"command":"00000000000000aa","at":"2026-11-21T10:00:00Z","build":"x","signature":"` +
		strings.Repeat("A", 86) + `==",` + fields + `}}`
}

// A sheet at its largest fits into a frame.
func TestSheetFits(t *testing.T) {
	m := examples()["sheet"].(Sheet)
	m.Sheet.Rows = nil
	for range fleet.SheetRowsMost {
		m.Sheet.Rows = append(m.Sheet.Rows, SheetRow{strings.Repeat("a", 40), fleet.Mark(strings.Repeat("m", 20)), strings.Repeat("<", fleet.SheetValueMost)})
	}
	if _, err := Encode(m); err != nil {
		t.Error(err)
	}
	if _, err := Decode([]byte(sheetWith(`"rows":[{"code":"memory","mark":"passed"}]`))); err != nil {
		t.Errorf("the frame of the refusals is wrong by itself: %v", err)
	}
}

// FuzzDecode: whatever comes off the network, Decode gives an error or a
// message that Encode accepts and that survives the round trip.
func FuzzDecode(f *testing.F) {
	for _, all := range []map[string]Message{examples(), later()} {
		for _, m := range all {
			frame, err := Encode(m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(frame)
		}
	}
	for _, s := range []string{
		`{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":6,"limit_s":0,"hours":{"week":[null,[[540]],[[540,900,1]]],"days":{"2026-12-06":null}}}}`,
		`{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{"keyboards":null,"resolution":""},"serves":{"down":null}}`,
		`{"type":"settings","settings":{"idle_s":100,"warn_s":10,"blocked":[],"support":[]}}`,
		`{"type":"counts","seq":1,"day":"2026-11-20","outcomes":{"yes":4294967295}}`,
		sheetWith(`"proof":null,"rows":[{"code":"way_07","mark":"build","value":"ä"}]`),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := Decode(frame)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("the error is of no kind: %v", err)
			}
			return
		}
		again, err := Encode(m)
		if err != nil {
			if len(frame) > LimitAfter/8 {
				return // escaping can make a frame longer
			}
			t.Fatalf("decoded and not encodable: %v", err)
		}
		back, err := Decode(again)
		if err != nil {
			t.Fatalf("its own encoding is refused: %v\n%s", err, again)
		}
		if diff := cmp.Diff(m, back, cmpopts.EquateEmpty()); diff != "" { // an empty list is no list
			t.Fatalf("changed on the way:\n%s", diff)
		}
	})
}
