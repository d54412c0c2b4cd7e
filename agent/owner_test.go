package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Root leaves no files in a folder of another user's, neither with a command
// nor with a restore; everybody else is stopped by the system or is at home.
func TestRootInAnothersFolder(t *testing.T) {
	dir := t.TempDir()
	if err := ownedBy(dir, os.Geteuid()); err != nil {
		t.Errorf("in one's own folder: %v", err)
	}
	if err := ownedBy(filepath.Join(dir, "none"), 0); err == nil {
		t.Error("a folder that is not there is nobody's")
	}
	if os.Geteuid() != 0 {
		if err := ownedBy(dir, 0); err == nil || !strings.Contains(err.Error(), "belongs to the user") {
			t.Errorf("root in ours: %v", err)
		}
		return
	}
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := ownedBy(dir, 12345); err != nil {
		t.Errorf("its owner: %v", err)
	}
	_, err := openData(dir, nil)
	if code := report(new(strings.Builder), err); code != exitInput || !strings.Contains(err.Error(), "belongs to the user 12345; run this as that user") {
		t.Errorf("exit %d: %v", code, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}
