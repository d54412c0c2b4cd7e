package browser

import (
	"fmt"
	"os"
	"path/filepath"
)

// rulebook is the folder with one session's policy. The sandbox has it bound
// read-only, so that the kiosk can change the policy of a running browser and
// the browser cannot.
type rulebook struct{ dir string }

// policyFile is the only file in the folder.
const policyFile = "yhteiskone.json"

// openRulebook makes the folder below parent, which is best in memory; an empty
// parent is the system's folder for temporary files.
func openRulebook(parent string, policy []byte) (*rulebook, error) {
	dir, err := os.MkdirTemp(parent, "policy-")
	if err != nil {
		return nil, fmt.Errorf("make room for the policy: %w", err)
	}
	b := &rulebook{dir}
	// Whoever the client's browser runs as must be able to read it.
	if err := os.Chmod(dir, 0o755); err != nil {
		b.close()
		return nil, fmt.Errorf("make room for the policy: %w", err)
	}
	if err := b.write(policy); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// write replaces the policy in one step. Chromium waits for five seconds after
// it sees a file with a new time, in case somebody is still writing; ours is
// always whole, so it keeps the time of the one before and is taken at once.
// Where that should change, the five seconds come back and nothing else.
func (b *rulebook) write(policy []byte) error {
	path := filepath.Join(b.dir, policyFile)
	// Beside the folder: Chromium must not see a half-written one.
	next := b.dir + ".next"
	if err := os.WriteFile(next, policy, 0o644); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	defer os.Remove(next)
	if err := os.Chmod(next, 0o644); err != nil { // whatever the umask is
		return fmt.Errorf("write the policy: %w", err)
	}
	if old, err := os.Stat(path); err == nil {
		if err := os.Chtimes(next, old.ModTime(), old.ModTime()); err != nil {
			return fmt.Errorf("write the policy: %w", err)
		}
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	return nil
}

// forgetRulebooks removes what a kiosk that was killed left in our own folder.
func forgetRulebooks(parent string) error {
	if parent == "" {
		return nil // not ours alone
	}
	old, err := filepath.Glob(filepath.Join(parent, "policy-*"))
	if err != nil {
		return fmt.Errorf("look for old policies: %w", err)
	}
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove an old policy: %w", err)
		}
	}
	return nil
}

func (b *rulebook) close() error { return os.RemoveAll(b.dir) }
