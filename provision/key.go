package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"yhteiskone/internal/release"
)

// runKey makes and shows the keys that releases are signed with.
func runKey(args []string, stdout, stderr io.Writer) error {
	if len(args) != 2 || args[0] != "new" && args[0] != "show" {
		return inputError{errors.New("key: say \"provision key new FILE\" or \"provision key show FILE\"")}
	}
	if args[0] == "new" {
		return newKey(args[1], stdout)
	}
	pub, err := readPublic(args[1])
	if err != nil {
		return err
	}
	sayKey(stdout, pub)
	return nil
}

// newKey makes FILE, the secret, and FILE.pub. It never replaces a file: what a
// lost key has signed, nobody can follow up.
func newKey(path string, stdout io.Writer) error {
	key := release.NewKey()
	for _, name := range []string{path, path + ".pub"} {
		if _, err := os.Lstat(name); err == nil {
			return inputError{fmt.Errorf("key: %s exists, and a key is never replaced; use another name", name)}
		}
	}
	if err := writeNew(path, key.Encode(), 0o600); err != nil {
		return inputError{fmt.Errorf("key: %w", err)}
	}
	if err := writeNew(path+".pub", key.Public().Encode(), 0o644); err != nil {
		return errors.Join(fmt.Errorf("key: %w", err), os.Remove(path))
	}
	fmt.Fprintf(stdout, "%s is the secret key: keep it, and a copy, where only you are. %s.pub goes into the image and to the agent.\n", path, path)
	sayKey(stdout, key.Public())
	return nil
}

// writeNew writes a file that is not there yet, durably.
func writeNew(path string, text []byte, mode fs.FileMode) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
		}
	}()
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

func sayKey(out io.Writer, k release.PublicKey) {
	fmt.Fprintf(out, "key    %s\nwords  %s\n", k.ID(), k.Words())
}

// readKeyFile reads a file as small as a key is.
func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, inputError{fmt.Errorf("key: %w", err)}
	}
	if info.Size() > release.SignatureLimit {
		return nil, inputError{fmt.Errorf("key: %s is too long for a key", path)}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, inputError{fmt.Errorf("key: %w", err)}
	}
	return text, nil
}

// readPublic reads a public key, or that of a secret one.
func readPublic(path string) (release.PublicKey, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return release.PublicKey{}, err
	}
	pub, err := release.ParsePublicKey(text)
	if secret, wrong := release.ParseSecretKey(text); wrong == nil {
		return secret.Public(), nil
	}
	if err != nil {
		return pub, inputError{fmt.Errorf("%s: %w", path, err)}
	}
	return pub, nil
}

// readSecret reads a secret key, and refuses one that others can read.
func readSecret(path string) (release.SecretKey, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return release.SecretKey{}, err
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return release.SecretKey{}, inputError{fmt.Errorf("key: other users of this machine may read %s; say chmod 600 %[1]s", path)}
	}
	key, err := release.ParseSecretKey(text)
	if err != nil {
		return key, inputError{fmt.Errorf("%s: %w", path, err)}
	}
	return key, nil
}
