package install

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// needs skips where the image's own programs are not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
}

// says runs a program that must succeed.
func says(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// The file systems are sound, and kiosk-data holds the key, for the kiosk alone.
func TestFileSystems(t *testing.T) {
	needs(t, "mkfs.vfat", "fsck.vfat", "mke2fs", "e2fsck", "debugfs")
	dir := t.TempDir()
	s := System{Owner: os.Getuid(), Folder: dir}
	fat, data, state := filepath.Join(dir, "fat"), filepath.Join(dir, "data"), filepath.Join(dir, "state")
	if err := s.FAT(t.Context(), fat, 96<<20, 1<<20); err != nil {
		t.Fatal(err)
	}
	says(t, "fsck.vfat", "-n", fat)
	if text, err := os.ReadFile(fat); err != nil || len(text) != 96<<20 || !bytes.Contains(text[:512], []byte("KIOSK-CONF FAT32")) || text[0x1c+1] != 8 {
		t.Errorf("it begins with %q, %v", text[:90], err)
	}
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, keyFile), []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Ext4(t.Context(), data, 32<<20, state); err != nil {
		t.Fatal(err)
	}
	says(t, "e2fsck", "-f", "-n", data)
	if said := says(t, "debugfs", "-R", "cat /"+keyFile, data); !strings.Contains(said, "key") {
		t.Errorf("the key is %q", said)
	}
	if said := says(t, "debugfs", "-R", "stat /"+keyFile, data); !strings.Contains(said, "Mode:  0600") {
		t.Errorf("the key is\n%s", said)
	}
}

// script is a program that does as it is told.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kiosk")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// What the kiosk says when it enrols, and how it ends, is what is done then.
func TestEnrol(t *testing.T) {
	dir := t.TempDir()
	enrol := func(text string) (Member, error) {
		s := System{Kiosk: script(t, text), Folder: dir, Patient: 100 * time.Millisecond}
		return s.Enrol(t.Context(), "/join.json", "/state")
	}
	m, err := enrol(`[ "$1 $2" = "enrol --config" ] && grep -q '^join = "/join.json"$' $3 && grep -q '^state = "/state"$' $3 &&
		echo '{"kiosk":"k1","name":"Kone 1","site":"Illusia","agent":"https://a"}'`)
	if err != nil || m != (Member{"k1", "Kone 1", "Illusia", "https://a"}) {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := enrol("echo the code is too old >&2; exit 2"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "too old") {
		t.Error(err)
	}
	if _, err := enrol("exit 3"); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
	if _, err := enrol("exit 1"); err == nil || errors.Is(err, ErrOffline) || errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	if _, err := enrol("echo nothing"); err == nil {
		t.Error("no answer was taken for one")
	}
}
