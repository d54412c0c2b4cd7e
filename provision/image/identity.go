package image

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// identity says what this image is, and takes away what each machine makes
// for itself.
func (b *builder) identity(root string) error {
	files := map[string]string{
		"etc/hostname":   "yhteiskone\n",
		"etc/hosts":      "127.0.0.1 localhost yhteiskone\n::1 localhost\n",
		"etc/machine-id": "", // made anew at each start, and never kept
		"etc/timezone":   "Europe/Helsinki\n",
		"etc/issue":      "", "etc/issue.net": "", "etc/motd": "",
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("say what the image is: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("say what the image is: %w", err)
		}
	}
	links := map[string]string{
		"etc/localtime":           "/usr/share/zoneinfo/Europe/Helsinki",
		"etc/resolv.conf":         "../run/systemd/resolve/stub-resolv.conf",
		"var/lib/dbus/machine-id": "/etc/machine-id",
	}
	for name, to := range links {
		path := filepath.Join(root, name)
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("say what the image is: %w", err)
		}
		if err := mkdir(filepath.Dir(path)); err != nil {
			return fmt.Errorf("say what the image is: %w", err)
		}
		if err := os.Symlink(to, path); err != nil {
			return fmt.Errorf("say what the image is: %w", err)
		}
	}
	path := filepath.Join(root, "etc/os-release")
	about, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("say what the image is: %w", err)
	}
	about = append(about, []byte("IMAGE_ID=yhteiskone\nIMAGE_VERSION="+b.Version+"\n")...)
	if err := os.WriteFile(path, about, 0o644); err != nil { // the link's file in usr/lib
		return fmt.Errorf("say what the image is: %w", err)
	}
	return nil
}

func onlyKernel(root string) (string, error) {
	found, err := filepath.Glob(filepath.Join(root, "usr/lib/modules/*"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the tree has the modules of %d kernels, not of one", len(found))
	}
	return filepath.Base(found[0]), nil
}

// settle gives what is compared by its time the time that it will have in the
// image, so that nothing is made anew at each start: the lists of fonts, and
// what systemd makes after an update of the packages.
func (b *builder) settle(root string) error {
	for _, fonts := range []string{"usr/share/fonts", "usr/local/share/fonts"} {
		err := filepath.WalkDir(filepath.Join(root, fonts), func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil || !d.IsDir() {
				return err
			}
			return os.Chtimes(path, b.Epoch, b.Epoch)
		})
		if err != nil {
			return err
		}
	}
	for _, dir := range []string{"etc", "var"} {
		text := fmt.Sprintf("TIMESTAMP_NSEC=%d\n", b.Epoch.UnixNano())
		if err := os.WriteFile(filepath.Join(root, dir, ".updated"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
