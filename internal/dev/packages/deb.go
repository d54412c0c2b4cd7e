package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// pack is one Debian package.
type pack struct {
	name, about string
	depends     string
	recommends  string
	files       []file
	conffiles   []string
	scripts     string // folder with postinst, prerm and postrm; empty for none
}

// file is what goes where.
type file struct {
	from, to string
	mode     fs.FileMode
}

// packages lists what is made of a tree and its built programs.
func packages(tree, programs string) []pack {
	own := filepath.Join(tree, "agent/debian")
	return []pack{
		{
			name: "yhteiskone-agent", about: "central service of shared computers: which work, and who needs help",
			depends: "passwd", recommends: "systemd, ca-certificates",
			files: []file{
				{filepath.Join(programs, "agent"), "usr/bin/yhteiskone-agent", 0o755},
				{filepath.Join(own, "yhteiskone-agent.service"), "usr/lib/systemd/system/yhteiskone-agent.service", 0o644},
				{filepath.Join(own, "agent.toml"), "etc/yhteiskone/agent.toml", 0o644},
				{filepath.Join(tree, "agent/README.md"), "usr/share/doc/yhteiskone-agent/README.md", 0o644},
			},
			conffiles: []string{"/etc/yhteiskone/agent.toml"},
			scripts:   own,
		},
		{
			name: "yhteiskone-provision", about: "technician's tool that brings shared computers into the fleet of an agent",
			recommends: "ca-certificates",
			files:      []file{{filepath.Join(programs, "provision"), "usr/bin/yhteiskone-provision", 0o755}},
		},
	}
}

// build writes the package into a folder and returns its path.
func (p pack) build(ctx context.Context, out string, v version) (string, error) {
	arch, ok := map[string]string{"amd64": "amd64", "arm64": "arm64", "386": "i386"}[runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("there is no architecture of Debian for %s", runtime.GOARCH)
	}
	tool, err := exec.LookPath("dpkg-deb")
	if err != nil {
		return "", errors.New("dpkg-deb is missing; make packages on Debian")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(out, ".package-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := p.lay(dir, arch, v); err != nil {
		return "", err
	}
	path := filepath.Join(out, fmt.Sprintf("%s_%s_%s.deb", p.name, v.text, arch))
	cmd := exec.CommandContext(ctx, tool, "--root-owner-group", "--build", dir, path)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(v.at.Unix(), 10))
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return path, nil
}

// lay puts everything of the package where dpkg-deb wants it.
func (p pack) lay(dir, arch string, v version) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	var size int64
	files := p.files
	if p.scripts != "" {
		for _, name := range []string{"postinst", "prerm", "postrm"} {
			files = append(files, file{filepath.Join(p.scripts, name), "DEBIAN/" + name, 0o755})
		}
	}
	for _, f := range files {
		n, err := f.copy(dir)
		if err != nil {
			return err
		}
		size += n
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Yhteiskone <yhteiskone@localhost>\nInstalled-Size: %d\nSection: admin\nPriority: optional\n",
		p.name, v.text, arch, (size+1023)/1024)
	if p.depends != "" {
		control += "Depends: " + p.depends + "\n"
	}
	if p.recommends != "" {
		control += "Recommends: " + p.recommends + "\n"
	}
	control += "Description: " + p.about + "\n"
	about := []struct{ name, text string }{{"control", control}}
	if len(p.conffiles) > 0 {
		about = append(about, struct{ name, text string }{"conffiles", strings.Join(p.conffiles, "\n") + "\n"})
	}
	if err := os.MkdirAll(filepath.Join(dir, "DEBIAN"), 0o755); err != nil {
		return err
	}
	for _, a := range about {
		if err := os.WriteFile(filepath.Join(dir, "DEBIAN", a.name), []byte(a.text), 0o644); err != nil {
			return err
		}
	}
	return modes(dir)
}

// copy puts the file below dir and returns its size.
func (f file) copy(dir string) (int64, error) {
	to := filepath.Join(dir, f.to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(f.from)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(to, text, f.mode); err != nil {
		return 0, err
	}
	return int64(len(text)), os.Chmod(to, f.mode) // whatever the umask
}

// modes opens every folder to everybody, whatever the umask.
func modes(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755)
	})
}
