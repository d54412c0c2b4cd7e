package main

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// checks is how the fake agent has machines checked: the sheet is there at the
// second look, and of "Kone 2" something is wrong.
func (a *fakeAgent) checks(mux *http.ServeMux) {
	ordered := ""
	mux.HandleFunc("POST /api/v1/kiosks/{id}/check", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(http.StatusForbidden)
			json.NewEncoder(w).Encode(wire.Refusal{Code: wire.RefusedAccess, Text: "This token may not do that.", Todo: "Use another."})
			return
		}
		ordered = "00000000000000c1"
		w.WriteHeader(http.StatusAccepted)
		json.NewEncoder(w).Encode(wire.CheckOrdered{Command: ordered, Connected: true})
	})
	looks := 0
	mux.HandleFunc("GET /api/v1/kiosks/{id}/sheet", func(w http.ResponseWriter, r *http.Request) {
		id := fleet.KioskID(r.PathValue("id"))
		out := wire.SheetAnswer{Kiosk: id, Name: "Kone 1", Site: "illusia", Connected: true}
		command := r.URL.Query().Get("command")
		if looks++; command != "" && looks%2 == 1 || a.answer != nil && a.answer(w) {
			out.Check = wire.CheckWaiting
			json.NewEncoder(w).Encode(out)
			return
		}
		if command != "" {
			out.Check = wire.CheckMade
		}
		out.Sheet, out.Result = sheetFor(id, id != "kbbbbbbbbbbbb", r.Header.Get("Accept-Language"))
		switch id {
		case "kcccccccccccc":
			out.Sheet.Signed.Build = "another"
		case "kdddddddddddd":
			if !a.old {
				break
			}
			out.Sheet, out.Result = nil, nil
			if command != "" {
				out.Check, out.Why = wire.CheckFailed, "unknown"
			}
		}
		json.NewEncoder(w).Encode(out)
	})
}

func sheetFor(id fleet.KioskID, good bool, lang string) (*wire.SheetShown, *wire.SheetVerdict) {
	public, key, _ := ed25519.GenerateKey(nil)
	s := proof.SignSheet(key, fleet.Sheet{Kiosk: id, Command: "00000000000000c1", At: time.Now(), Build: "x", Rows: []fleet.SheetRow{{Code: "sound", Mark: fleet.Passed}}})
	shown := &wire.SheetShown{Signed: wire.SheetOf(s), PublicKey: public, Fingerprint: "ab12", Rows: []wire.SheetLine{
		{Code: "sound", Mark: fleet.Passed, Name: "Sound"}, {Code: "way_36", Mark: fleet.ByHand, Name: "Another disk", Todo: "Put in a stick."}}}
	v := &wire.SheetVerdict{Accepted: good, WipeProved: true, Text: "said in " + lang, More: []string{"more"}}
	if !good {
		shown.Rows[0].Mark, shown.Rows[0].Value, shown.Rows[0].Todo = fleet.Failed, "0", "Connect speakers."
		v.Rest.Failed = 1
	}
	return shown, v
}

func TestCheck(t *testing.T) {
	a := newAgent(t)
	a.old = true
	for name, c := range map[string]struct {
		args []string
		code int
		says string // in what is printed, or in the error
	}{
		"good":           {[]string{"Kone 1", "--site", "illusia"}, 0, "Kone 1, illusia\nsaid in en\nmore\n  [ ] 36 Another disk: Put in a stick.\nSigned by the machine with the key ab12.\nTo print: " + a.url + "/kiosks/kaaaaaaaaaaaa/sheet\n"},
		"in Finnish":     {[]string{"Kone 1", "--site", "illusia", "--last", "--lang", "fi"}, 0, "said in fi"},
		"not finished":   {[]string{"Kone 2"}, 1, "failed   Sound (0): Connect speakers."},
		"not signed":     {[]string{"kcccccccccccc"}, 1, "the signature is not this kiosk's"},
		"too old":        {[]string{"Kone 3"}, 1, "install a newer image"},
		"never checked":  {[]string{"Kone 3", "--last"}, 1, "has not been checked yet"},
		"two":            {[]string{"Kone 1"}, 2, "2 kiosks are called"},
		"nobody":         {[]string{"Kone 9"}, 2, "knows no kiosk"},
		"none named":     {nil, 2, "name one kiosk"},
		"language":       {[]string{"Kone 2", "--lang", "de"}, 2, "--lang is"},
		"wait":           {[]string{"Kone 2", "--wait", "0s"}, 2, "--wait is"},
		"socket":         {[]string{"Kone 2", "--socket", "/x"}, 2, "--socket has no sheets"},
		"no token":       {[]string{"Kone 2", "--token", "other"}, 1, "may not do that"},
		"nobody there":   {[]string{"Kone 2", "--agent", "https://127.0.0.1:1"}, 3, "cannot be reached"},
		"no token there": {[]string{"Kone 2", "--token-file", "/nowhere"}, 2, "read the token"},
	} {
		said, code, err := provision(t, append(append([]string{"check"}, a.flags()...), c.args...)...)
		if err != nil {
			said += err.Error()
		}
		if code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: exit %d: %s", name, code, said)
		}
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said, code, err := provision(t, "check", "kaaaaaaaaaaaa", "--json", "--agent", a.url, "--pin", string(a.identity.Pin()), "--token-file", file)
	var answer wire.SheetAnswer
	if json.Unmarshal([]byte(said), &answer) != nil || code != 0 || answer.Check != wire.CheckMade || answer.Sheet.Fingerprint != "ab12" {
		t.Errorf("exit %d: %v: %s", code, err, said)
	}
	// A machine that somebody uses all the time: not now.
	a.answer = func(http.ResponseWriter) bool { return true }
	if _, code, err := provision(t, append([]string{"check", "Kone 2", "--wait", "1s"}, a.flags()...)...); code != 3 || !strings.Contains(err.Error(), "somebody uses the machine") {
		t.Errorf("exit %d: %v", code, err)
	}
}
