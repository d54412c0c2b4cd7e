package browser

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRulebook(t *testing.T) {
	parent := t.TempDir()
	b, err := openRulebook(parent, []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(b.dir, policyFile)
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	if err := b.write([]byte("two")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err != nil || err2 != nil || string(text) != "two" || info.Mode().Perm() != 0o644 {
		t.Errorf("%q, %v, %v, %v", text, info, err, err2)
	}
	if !info.ModTime().Equal(long) {
		t.Errorf("the time changed to %v: Chromium would wait", info.ModTime())
	}
	if all, err := os.ReadDir(b.dir); err != nil || len(all) != 1 {
		t.Errorf("the folder holds %v, %v", all, err)
	}
	if dir, err := os.Stat(b.dir); err != nil || dir.Mode().Perm() != 0o755 {
		t.Errorf("the folder is %v, %v", dir, err)
	}
	// A kiosk that was killed left this one, and a half-written one.
	if err := os.WriteFile(b.dir+".next", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := forgetRulebooks(parent); err != nil {
		t.Fatal(err)
	}
	if all, err := os.ReadDir(parent); err != nil || len(all) != 0 {
		t.Errorf("left: %v, %v", all, err)
	}
}
