package wire

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		"help":        Help{Seq: 15, Call: "0123456789abcdef"},
		"help_over":   HelpOver{Seq: 16, Call: "0123456789abcdef"},
		"result":      Result{Seq: 17, Command: "fedcba9876543210", Why: "expired"},
		"ack":         Ack{Seq: 17},
		"command":     Order{ID: "fedcba9876543210", Name: fleet.ShowMessage, Text: "Suljemme kello 15.", Now: true, TTLS: 600},
		"settings":    Settings{Settings: settings},
		"help_answer": HelpAnswer{Call: "0123456789abcdef", Answer: fleet.ComingSoon},
	}
}

// TestGolden holds the frames of version 1: kiosks in the field send them and
// expect them.
func TestGolden(t *testing.T) {
	all := examples()
	for kind := range kinds() {
		m, ok := all[kind]
		if !ok {
			t.Errorf("no example of %q", kind)
			continue
		}
		frame, err := Encode(m)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		path := filepath.Join("testdata", kind+".json")
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
			t.Errorf("%s changed on the wire:\n%s", kind, cmp.Diff(string(want), got))
		}
		back, err := Decode(bytes.TrimSpace(want))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		} else if diff := cmp.Diff(m, back); diff != "" {
			t.Errorf("%s does not come back:\n%s", kind, diff)
		}
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
		"nothing":         ``,
		"no object":       `[]`,
		"no type":         `{"seq":1}`,
		"null type":       `{"type":null}`,
		"unknown type":    `{"type":"exec","cmd":"id"}`,
		"trailing bytes":  string(good) + `{}`,
		"missing field":   `{"type":"ack"}`,
		"wrong type":      `{"type":"ack","seq":"1"}`,
		"fraction":        `{"type":"ack","seq":1.5}`,
		"negative":        `{"type":"ack","seq":-1}`,
		"seq too large":   `{"type":"ack","seq":9007199254740993}`,
		"call too short":  `{"type":"help","seq":1,"call":"0123"}`,
		"call not hex":    `{"type":"help","seq":1,"call":"0123456789ABCDEF"}`,
		"nonce too short": `{"type":"challenge","nonce":"AAAA"}`,
		"unknown answer":  `{"type":"help_answer","call":"0123456789abcdef","answer":"maybe"}`,
		"huge idle":       `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":9223372036854775807,"warn_s":60,"limit_s":0}}`,
		"warn over idle":  `{"type":"settings","settings":{"version":1,"site_name":"","kiosk_name":"","idle_s":60,"warn_s":61,"limit_s":0}}`,
		"state unknown":   `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"fine","uptime_s":1,"faults":[],"health":{}}`,
		"no time":         `{"type":"report","state":"ready","uptime_s":1,"faults":[],"health":{}}`,
		"cpu over 100":    `{"type":"report","at":"2026-11-21T10:00:00Z","since":"2026-11-21T10:00:00Z","state":"ready","uptime_s":1,"faults":[],"health":{"cpu_percent":101}}`,
		"not UTF-8 time":  "{\"type\":\"report\",\"at\":\"\xff\"}",
	} {
		if m, err := Decode([]byte(frame)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: decoded to %v, error %v", name, m, err)
		}
	}
	if _, err := Decode([]byte(`{"type":"ack","seq":1,"new_in_version_2":{"a":[1]}}`)); err != nil {
		t.Errorf("an unknown field is not passed over: %v", err)
	}
}

// FuzzDecode: whatever comes off the network, Decode gives an error or a
// message that Encode accepts and that survives the round trip.
func FuzzDecode(f *testing.F) {
	for _, m := range examples() {
		frame, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
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
		if diff := cmp.Diff(m, back); diff != "" {
			t.Fatalf("changed on the way:\n%s", diff)
		}
	})
}
