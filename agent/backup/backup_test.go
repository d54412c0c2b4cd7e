package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// keeper keeps a folder whose store is the text of a file.
func keeper(t *testing.T, files map[string]string) (Keeper, *time.Time) {
	t.Helper()
	data := t.TempDir()
	for name, text := range files {
		must(t, os.WriteFile(filepath.Join(data, name), []byte(text), 0o600))
	}
	now := noon
	k := Keeper{Data: data, Dir: filepath.Join(data, "backups"), Most: 3, Agent: "test", Now: func() time.Time { return now },
		Snapshot: func(path string) (About, error) {
			text, err := os.ReadFile(filepath.Join(data, StoreFile))
			if err != nil {
				return About{}, err
			}
			return About{Schema: 1, Kiosks: 3, People: 2, Sites: 1}, os.WriteFile(path, text, 0o600)
		},
		Check: func(dir string) error {
			text, err := os.ReadFile(filepath.Join(dir, StoreFile))
			if strings.Contains(string(text), "rotten") {
				return errors.New("the store is rotten")
			}
			return err
		}}
	return k, &now
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%s is %q, want %q (%v)", path, text, want, err)
	}
}

func lived() map[string]string {
	return map[string]string{IdentityFile: "identity", StoreFile: strings.Repeat("store ", 5000), AuthorityFile: "authority"}
}

func TestThereAndBack(t *testing.T) {
	k, _ := keeper(t, lived())
	file := filepath.Join(t.TempDir(), "file")
	made, err := k.Make(file)
	must(t, err)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 10000 {
		t.Errorf("%v %v", info, err)
	}
	fresh := t.TempDir()
	about, err := Stage(fresh, file, Name(noon), k.Check)
	must(t, err)
	if about.Kiosks != 3 || about.Agent != "test" || !about.Made.Equal(noon) || made.Made != about.Made || len(about.Parts) != 3 {
		t.Errorf("%+v, made %+v", about, made)
	}
	if !Waiting(fresh) {
		t.Error("nothing waits")
	}
	if kept, err := Finish(fresh); err != nil || kept != "" {
		t.Errorf("kept of nothing: %q %v", kept, err)
	}
	for name, text := range lived() {
		has(t, filepath.Join(fresh, name), text)
	}
	left, err := os.ReadDir(fresh)
	if err != nil || len(left) != 3 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// Every change of any byte, and every other length, is found out; nothing that
// is there is touched.
func TestDamaged(t *testing.T) {
	k, _ := keeper(t, lived())
	file := filepath.Join(t.TempDir(), "file")
	_, err := k.Make(file)
	must(t, err)
	sound, err := os.ReadFile(file)
	must(t, err)
	try := func(what string, b []byte, want error) {
		t.Helper()
		must(t, os.WriteFile(file, b, 0o600))
		if _, err := Stage(k.Data, file, "kept", k.Check); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if Waiting(k.Data) {
			t.Fatalf("%s: it waits to be put in place", what)
		}
	}
	for i := range sound {
		b := bytes.Clone(sound)
		b[i] ^= 0x20
		must(t, os.WriteFile(file, b, 0o600))
		if _, err := Read(file, ""); err == nil {
			t.Errorf("byte %d changed, and nobody noticed", i)
		}
	}
	for _, n := range []int{1, 10, 21, 60, len(sound) / 2, len(sound) - 1} {
		try(fmt.Sprint("cut to ", n), sound[:n], ErrDamaged)
	}
	try("empty", nil, ErrDamaged)
	try("one byte more", append(bytes.Clone(sound), 0), ErrDamaged)
	try("of a later format", bytes.Replace(sound, []byte("backup 1\n"), []byte("backup 2\n"), 1), ErrNewer)
	try("something else", []byte(strings.Repeat("hello", 1000)), ErrNone)
	if _, err := Read(t.TempDir(), ""); !errors.Is(err, ErrNone) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for name, text := range lived() {
		has(t, filepath.Join(k.Data, name), text)
	}
}

// A file with a right sum that says wrong things of itself.
func TestForged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	for _, head := range []string{
		``, `{}`, `[]`, `{"schema":1,"parts":[]}`,
		`{"schema":1,"parts":[{"name":"agent.db","size":5}]}`,
		`{"schema":1,"parts":[{"name":"agent.db","size":5},{"name":"../../etc/passwd","size":5}]}`,
		`{"schema":1,"parts":[{"name":"agent.db","size":5},{"name":"identity.pem","size":5},{"name":"identity.pem","size":5}]}`,
		`{"schema":1,"parts":[{"name":"agent.db","size":-1},{"name":"identity.pem","size":5}]}`,
		`{"schema":1,"parts":[{"name":"agent.db","size":9223372036854775807},{"name":"identity.pem","size":5}]}`,
		`{"schema":0,"parts":[{"name":"agent.db","size":5},{"name":"identity.pem","size":5}]}`,
		`{"schema":1,"parts":[{"name":"agent.db","size":5},{"name":"identity.pem","size":5}]}`, // and no body
		strings.Repeat("x", 2*aboutLimit),
	} {
		b := []byte(format + head + "\n")
		sum := sha256.Sum256(b)
		must(t, os.WriteFile(file, append(b, sum[:]...), 0o600))
		dir := t.TempDir()
		if _, err := Read(file, dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("%.80s: %v", head, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(format + `{"schema":1,"parts":[{"name":"agent.db","size":5},{"name":"identity.pem","size":5}]}` + "\n"))
	f.Add([]byte(format))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		file, dir := filepath.Join(t.TempDir(), "file"), t.TempDir()
		sum := sha256.Sum256(b)
		must(t, os.WriteFile(file, append(b, sum[:]...), 0o600))
		about, err := Read(file, dir)
		left, _ := os.ReadDir(dir)
		if err == nil && len(left) != len(about.Parts) {
			t.Errorf("%+v unpacked to %v", about, left)
		}
	})
}

// What would replace everything by nothing is refused, and so is what the
// store's own check refuses.
func TestRefused(t *testing.T) {
	k, _ := keeper(t, lived())
	file := filepath.Join(t.TempDir(), "file")
	empty := k
	empty.Snapshot = func(path string) (About, error) {
		a, err := k.Snapshot(path)
		a.Kiosks, a.People = 0, 0
		return a, err
	}
	_, err := empty.Make(file)
	must(t, err)
	if _, err := Stage(k.Data, file, "kept", k.Check); !errors.Is(err, ErrNothing) {
		t.Errorf("an empty agent: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(k.Data, StoreFile), []byte("rotten"), 0o600))
	_, err = k.Make(file)
	must(t, err)
	if _, err := Stage(k.Data, file, "kept", k.Check); err == nil || Waiting(k.Data) {
		t.Errorf("a rotten store: %v", err)
	}
}

// A restore that is cut off after any of its steps ends, when it goes on, with
// everything new in place and everything old kept.
func TestFinishCutOff(t *testing.T) {
	for cut := range 4 {
		for _, authority := range []bool{true, false} {
			k, _ := keeper(t, lived())
			if !authority {
				must(t, os.Remove(filepath.Join(k.Data, AuthorityFile)))
			}
			file := filepath.Join(t.TempDir(), "file")
			_, err := k.Make(file)
			must(t, err)
			old := map[string]string{IdentityFile: "old identity", StoreFile: "old store", AuthorityFile: "old authority"}
			for name, text := range old {
				must(t, os.WriteFile(filepath.Join(k.Data, name), []byte(text), 0o600))
			}
			_, err = Stage(k.Data, file, "kept", k.Check)
			must(t, err)
			kept := filepath.Join(k.Data, "kept")
			switch cut { // what an earlier Finish had done when it was cut off
			case 1:
				must(t, os.Mkdir(kept, 0o700))
			case 2:
				must(t, os.Mkdir(kept, 0o700))
				must(t, os.Link(filepath.Join(k.Data, IdentityFile), filepath.Join(kept, IdentityFile)))
			case 3:
				must(t, os.Mkdir(kept, 0o700))
				must(t, os.Link(filepath.Join(k.Data, IdentityFile), filepath.Join(kept, IdentityFile)))
				must(t, os.Rename(filepath.Join(k.Data, readyDir, IdentityFile), filepath.Join(k.Data, IdentityFile)))
			}
			got, err := Finish(k.Data)
			if err != nil || got != kept {
				t.Fatalf("cut %d: %q %v", cut, got, err)
			}
			for name, text := range old {
				has(t, filepath.Join(kept, name), text)
			}
			for name, text := range lived() {
				if name != AuthorityFile || authority {
					has(t, filepath.Join(k.Data, name), text)
				} else if exists(filepath.Join(k.Data, name)) {
					t.Error("the certificate of the old identity is still there")
				}
			}
			if Waiting(k.Data) {
				t.Error("it waits on")
			}
		}
	}
}

// The newest stay; one that cannot be made costs none that is there.
func TestTurn(t *testing.T) {
	k, now := keeper(t, lived())
	for range 5 {
		_, _, err := k.Turn()
		must(t, err)
		*now = now.Add(time.Hour)
	}
	all, err := k.List()
	if err != nil || len(all) != 3 {
		t.Fatalf("%v %v", all, err)
	}
	if at, ok := MadeAt(all[0]); !ok || !at.Equal(noon.Add(4*time.Hour)) {
		t.Errorf("the newest is of %v", at)
	}
	must(t, os.Remove(filepath.Join(k.Data, IdentityFile)))
	if _, _, err := k.Turn(); err == nil {
		t.Error("a backup without an identity")
	}
	if after, _ := k.List(); fmt.Sprint(after) != fmt.Sprint(all) {
		t.Errorf("%v, before %v", after, all)
	}
	must(t, os.WriteFile(filepath.Join(k.Data, IdentityFile), []byte("identity"), 0o600))
	*now = noon.Add(-time.Hour) // the clock went back
	path, _, err := k.Turn()
	must(t, err)
	if !exists(path) {
		t.Error("the backup that was just made went first")
	}
	if left, _ := filepath.Glob(filepath.Join(k.Data, ".backup-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The newest good backup is taken, not the newest.
func TestFallBack(t *testing.T) {
	k, now := keeper(t, lived())
	for _, text := range []string{"older", "good", "rotten"} {
		must(t, os.WriteFile(filepath.Join(k.Data, StoreFile), []byte(text), 0o600))
		_, _, err := k.Turn()
		must(t, err)
		*now = now.Add(time.Hour)
	}
	cut := filepath.Join(k.Dir, prefix+now.UTC().Format(stamp)+suffix)
	must(t, os.WriteFile(cut, []byte(format+"{}"), 0o600))
	must(t, os.WriteFile(filepath.Join(k.Data, IdentityFile), []byte("newer identity"), 0o600))
	path, about, err := k.FallBack(StoreFile)
	if err != nil || !about.Made.Equal(noon.Add(time.Hour)) {
		t.Fatalf("%s %+v %v", path, about, err)
	}
	kept, err := Finish(k.Data)
	must(t, err)
	has(t, filepath.Join(k.Data, StoreFile), "good")
	has(t, filepath.Join(kept, StoreFile), "rotten")
	has(t, filepath.Join(k.Data, IdentityFile), "newer identity") // only what was asked for
	k.Dir = t.TempDir()
	if _, _, err := k.FallBack(StoreFile); !errors.Is(err, ErrNoneGood) {
		t.Errorf("without any: %v", err)
	}
}

// A name that is taken by something else is not written over.
func TestMakeOver(t *testing.T) {
	k, _ := keeper(t, lived())
	for _, path := range []string{filepath.Join(k.Data, StoreFile), k.Data} {
		if _, err := k.Make(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	has(t, filepath.Join(k.Data, StoreFile), lived()[StoreFile])
	file := filepath.Join(t.TempDir(), "file")
	for range 2 {
		if _, err := k.Make(file); err != nil {
			t.Errorf("over an earlier backup: %v", err)
		}
	}
}
