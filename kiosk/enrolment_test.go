package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// The installer's way in: a key and who it is are in the state folder, the join
// file stays; again, it is the same machine without a word to the agent; a code
// that is refused is another end than an agent that is silent.
func TestEnrolOnce(t *testing.T) {
	id, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, refuse := 0, wire.RefusedExpired
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		ask, err := wire.DecodeBody[wire.EnrolRequest](body)
		if err != nil {
			t.Error(err)
		}
		asked++
		if refuse != "" {
			w.WriteHeader(http.StatusForbidden)
			json.NewEncoder(w).Encode(wire.Refusal{Code: refuse, Text: "This code is too old.", Todo: "Ask for a new one."})
			return
		}
		answer := wire.EnrolAnswer{Kiosk: "kaaaaaaaaaaaa", Name: "Kone 1", Site: "illusia", SiteName: "Illusia", Pin: string(id.Pin())}
		if answer.Signature, err = id.Sign(answer.Signed(ask)); err != nil {
			t.Error(err)
		}
		json.NewEncoder(w).Encode(answer)
	})}
	go server.Serve(tls.NewListener(l, id.Certificates().Config()))
	t.Cleanup(func() { server.Close() })

	dir := t.TempDir()
	state, join, file := filepath.Join(dir, "state"), filepath.Join(dir, "join.json"), filepath.Join(dir, "kiosk.toml")
	for path, text := range map[string]string{
		join: fmt.Sprintf(`{"agent":"https://%s","pin":%q,"code":"ABCD-EFGH-JKMN","name":"Kone","machines":3}`, l.Addr(), id.Pin()),
		file: fmt.Sprintf("state = %q\nruntime = %q\njoin = %q\n", state, dir, join),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	enrol := func() (said string, code int) {
		var out, wrong bytes.Buffer
		code = run(t.Context(), []string{"enrol", "--config", file}, nil, &out, &wrong)
		return out.String() + wrong.String(), code
	}
	if said, code := enrol(); code != 2 || !bytes.Contains([]byte(said), []byte("too old")) {
		t.Errorf("refused: %d, %s", code, said)
	}
	key, err := os.ReadFile(filepath.Join(state, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	refuse = wire.RefusedStore
	if said, code := enrol(); code != 3 {
		t.Errorf("the agent's disk is full: %d, %s", code, said)
	}
	refuse = ""
	const want = `{"kiosk":"kaaaaaaaaaaaa","name":"Kone 1","site":"Illusia","agent":"https://`
	for range 2 {
		if said, code := enrol(); code != 0 || !bytes.HasPrefix([]byte(said), []byte(want)) {
			t.Errorf("%d, %s", code, said)
		}
	}
	if again, err := os.ReadFile(filepath.Join(state, "key.pem")); err != nil || !bytes.Equal(again, key) || asked != 3 {
		t.Errorf("the agent was asked %d times; the key: %v", asked, err)
	}
	if _, err := os.Stat(join); err != nil {
		t.Error("the join file is gone")
	}
	if err := os.Remove(filepath.Join(state, "member.toml")); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if said, code := enrol(); code != 3 {
		t.Errorf("a silent agent: %d, %s", code, said)
	}
	if err := os.Remove(join); err != nil {
		t.Fatal(err)
	}
	if said, code := enrol(); code != 2 {
		t.Errorf("no join file: %d, %s", code, said)
	}
}
