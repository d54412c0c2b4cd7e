package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
	"yhteiskone/provision/enrol"
)

// made is the fake agent's answer.
func (a *fakeAgent) made(ask wire.EnrolmentRequest) wire.Enrolment {
	e := wire.Enrolment{Code: "ABCD-EFGH-0123", Agent: a.url, Pin: string(a.identity.Pin()), Expires: expires, ID: "0123456789ab", Site: ask.Site, Name: ask.Name}
	if ask.Replaces != "" {
		e.Site, e.Name = "illusia", "Kone 3"
	}
	return e
}

// first reports whether nobody asked for this machine before.
func (a *fakeAgent) first(ask wire.EnrolmentRequest) bool {
	n := 0
	for _, r := range a.asked {
		if r.Site == ask.Site && r.Name == ask.Name {
			n++
		}
	}
	return n == 1
}

// more are the fake agent's other addresses.
func (a *fakeAgent) more(t *testing.T, mux *http.ServeMux) {
	mux.HandleFunc("GET "+wire.EnrolmentsPath, func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(wire.EnrolmentList{{ID: "0123456789ab", Site: "illusia", Name: "Kone 3", Uses: 1, Expires: expires, Replaces: "kaaaaaaaaaaaa"}})
	})
	mux.HandleFunc("DELETE "+wire.EnrolmentsPath+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		a.revoked = append(a.revoked, r.PathValue("id"))
		if r.PathValue("id") != "0123456789ab" {
			w.WriteHeader(http.StatusNotFound)
			json.NewEncoder(w).Encode(wire.Refusal{Code: wire.RefusedGone, Text: "There is no such code.", Todo: "Look at provision enrol list."})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /api/v1/kiosks", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode([]enrol.Kiosk{{ID: "kaaaaaaaaaaaa", Name: "Kone 1", Place: "Aula <b>", Site: "illusia"}, {ID: "kbbbbbbbbbbbb", Name: "Kone 2", Site: "illusia"},
			{ID: "kdddddddddddd", Name: "Kone 3", Place: "Aula", Site: "illusia"}, {ID: "kcccccccccccc", Name: "Kone 1", Site: "tori"}})
	})
}

func (a *fakeAgent) flags() []string {
	return []string{"--agent", a.url, "--pin", string(a.identity.Pin()), "--token", "t0ken"}
}

func sheetFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "koneet.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnrolACentre(t *testing.T) {
	a := newAgent(t)
	dir := filepath.Join(t.TempDir(), "join")
	sheet := sheetFile(t, "\xef\xbb\xbfsite;name;place;notes\r\nillusia;Kone 1;aula;\r\nillusia;Kone 2;;vanha\r\n")
	args := append([]string{"enrol", "--csv", sheet, "--out-dir", dir}, a.flags()...)
	said, code, err := provision(t, args...)
	if code != 0 || !strings.Contains(said, "2 made, 0 were there already.") {
		t.Fatalf("exit %d: %v: %s", code, err, said)
	}
	join, err := enrol.ReadJoin(filepath.Join(dir, "illusia-kone-1.json"))
	if err != nil || join.Name != "Kone 1" || join.Site != "illusia" || join.Code != "ABCD-EFGH-0123" {
		t.Errorf("%+v, %v", join, err)
	}
	if r := a.asked[0]; !r.Once || r.TTLS != 86400 || r.Place != "aula" || a.asked[1].Notes != "vanha" {
		t.Errorf("asked %+v", r)
	}
	// Again: nothing is doubled, and what was made stays.
	before, _ := os.ReadFile(filepath.Join(dir, "illusia-kone-1.json"))
	said, code, err = provision(t, append(args, "--json")...)
	var all []enrol.Made
	if json.Unmarshal([]byte(said), &all) != nil || code != 0 || len(all) != 2 || !all[0].There || !all[1].There {
		t.Errorf("exit %d: %v: %s", code, err, said)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "illusia-kone-1.json")); string(after) != string(before) {
		t.Error("the join file was changed")
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("%v was left", left)
	}
}

// One bad row, and nobody is asked for anything.
func TestEnrolACentreAllOrNothing(t *testing.T) {
	a := newAgent(t)
	dir := filepath.Join(t.TempDir(), "join")
	bad := sheetFile(t, "site,name\nillusia,Kone 1\nIllusia,Kone 2\n")
	good := sheetFile(t, "site,name\nillusia,Kone 1\n")
	for says, args := range map[string][]string{
		"line 3, column 1":     {"--csv", bad, "--out-dir", dir},
		"--out-dir is missing": {"--csv", good},
		"--out-dir is for":     {"--out-dir", dir, "--site", "illusia", "--name", "x"},
		"--name does not go":   {"--csv", good, "--out-dir", dir, "--name", "x"},
		"read the list":        {"--csv", "/nowhere.csv", "--out-dir", dir},
		"--ttl is":             {"--csv", good, "--out-dir", dir, "--ttl", "48h"},
	} {
		_, code, err := provision(t, append(append([]string{"enrol"}, args...), a.flags()...)...)
		if code != 2 || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: exit %d: %v", says, code, err)
		}
	}
	if _, err := os.Stat(dir); err == nil || len(a.asked) > 0 {
		t.Errorf("%v; asked %v", err, a.asked)
	}
}

// A line that breaks in the middle says where, and the next run goes on.
func TestEnrolACentreGoesOn(t *testing.T) {
	a := newAgent(t)
	dir := t.TempDir()
	sheet := sheetFile(t, "site,name\nillusia,Kone 1\nillusia,Kone 2\n")
	a.answer = func(w http.ResponseWriter) bool {
		if a.asked[len(a.asked)-1].Name == "Kone 1" {
			return false
		}
		a.asked = a.asked[:len(a.asked)-1]
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	args := append([]string{"enrol", "--csv", sheet, "--out-dir", dir}, a.flags()...)
	if _, code, err := provision(t, args...); code != 3 || !strings.Contains(err.Error(), "line 3: ") {
		t.Errorf("exit %d: %v", code, err)
	}
	a.answer = nil
	if said, code, err := provision(t, args...); code != 0 || !strings.Contains(said, "1 made, 1 were there already.") {
		t.Errorf("exit %d: %v: %s", code, err, said)
	}
}

// A code whose join file could not be written lets nobody in.
func TestEnrolRevokesWhatItCannotWrite(t *testing.T) {
	a := newAgent(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "illusia-kone-1.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, code, err := provision(t, append([]string{"enrol", "--csv", sheetFile(t, "site,name\nillusia,Kone 1\n"), "--out-dir", dir}, a.flags()...)...)
	if code != 1 || !strings.Contains(err.Error(), "write the join file") || !slices.Equal(a.revoked, []string{"0123456789ab"}) {
		t.Errorf("exit %d: %v, revoked %v", code, err, a.revoked)
	}
}

func TestEnrolListAndRevoke(t *testing.T) {
	a := newAgent(t)
	said, code, err := provision(t, append([]string{"enrol", "list"}, a.flags()...)...)
	if code != 0 || !strings.HasPrefix(said, "0123456789ab  illusia, Kone 3, takes the place of kaaaaaaaaaaaa: used 0 of 1, until 2030") {
		t.Errorf("exit %d: %v: %s", code, err, said)
	}
	said, _, _ = provision(t, append([]string{"enrol", "list", "--json"}, a.flags()...)...)
	var l wire.EnrolmentList
	if json.Unmarshal([]byte(said), &l) != nil || len(l) != 1 {
		t.Errorf("%s", said)
	}
	if _, code, err := provision(t, append([]string{"enrol", "revoke", "0123456789ab"}, a.flags()...)...); code != 0 || !slices.Equal(a.revoked, []string{"0123456789ab"}) {
		t.Errorf("exit %d: %v, revoked %v", code, err, a.revoked)
	}
	if _, code, err := provision(t, append([]string{"enrol", "revoke", "../x"}, a.flags()...)...); code != 1 || !strings.Contains(err.Error(), "no such code") || a.revoked[1] != "../x" {
		t.Errorf("exit %d: %v, revoked %v", code, err, a.revoked)
	}
	if _, code, _ := provision(t, append([]string{"enrol", "revoke"}, a.flags()...)...); code != 2 {
		t.Errorf("exit %d", code)
	}
}

func TestReplace(t *testing.T) {
	a := newAgent(t)
	out := filepath.Join(t.TempDir(), "spare.json")
	said, code, err := provision(t, append([]string{"replace", "kaaaaaaaaaaaa", "--out", out}, a.flags()...)...)
	if code != 0 || !strings.Contains(said, "the spare is Kone 3, with its past, and the old machine is let in no more") {
		t.Fatalf("exit %d: %v: %s", code, err, said)
	}
	if r := a.asked[0]; r.Replaces != "kaaaaaaaaaaaa" || r.Name != "" || r.TTLS != 3600 {
		t.Errorf("asked %+v", r)
	}
	if join, err := enrol.ReadJoin(out); err != nil || join.Name != "Kone 3" || join.Site != fleet.SiteID("illusia") {
		t.Errorf("%+v, %v", join, err)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {"Kone 3"}} {
		if _, code, err := provision(t, append(append([]string{"replace"}, args...), a.flags()...)...); code != 2 {
			t.Errorf("%v: exit %d: %v", args, code, err)
		}
	}
}
