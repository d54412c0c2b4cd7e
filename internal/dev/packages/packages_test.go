package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/identity"
)

const (
	tree    = "../../.."
	dataDir = "/var/lib/yhteiskone-agent"
	confile = "/etc/yhteiskone/agent.toml"
	command = "/usr/bin/yhteiskone-agent"
	wanted  = "/etc/systemd/system/multi-user.target.wants/yhteiskone-agent.service"
)

// exposed is how open systemd may call the unit, of 100.
const exposed = 20

// The unit is as closed as we say, by systemd's own count.
func TestUnitIsClosed(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here; images/packages.list has it for make test")
	}
	unit := filepath.Join(tree, "agent/debian/yhteiskone-agent.service")
	out, err := exec.CommandContext(t.Context(), tool, "security", "--no-pager", "--offline=true", "--threshold="+strconv.Itoa(exposed), unit).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("Overall exposure level")) {
		t.Errorf("it counted nothing:\n%s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "✗ CapabilityBoundingSet") || strings.Contains(line, "✗ AmbientCapabilities") {
			t.Errorf("a capability is left: %s", line)
		}
	}
}

func builtAgent(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", path, "./agent")
	cmd.Dir, cmd.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	return path
}

// made is the agent's package of some version.
func made(t *testing.T, v, program, config string) string {
	t.Helper()
	p := packages(tree, t.TempDir())[0]
	for i, f := range p.files {
		switch "/" + f.to {
		case command:
			p.files[i].from = program
		case confile:
			p.files[i].from = config
		}
	}
	path, err := p.build(t.Context(), t.TempDir(), version{v, time.Unix(1_790_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The same version of the same files is the same package, wherever and whenever
// it is made; another program is another.
func TestPackagesAreReproducible(t *testing.T) {
	program := filepath.Join(t.TempDir(), "p")
	write(t, program, "#!/bin/sh\n")
	config := filepath.Join(tree, "agent/debian/agent.toml")
	first := sum(t, made(t, "1", program, config))
	old := syscall.Umask(0o077)
	second := sum(t, made(t, "1", program, config))
	syscall.Umask(old)
	if first != second {
		t.Error("two packages of the same differ")
	}
	write(t, program, "#!/bin/sh\nexit 0\n")
	if sum(t, made(t, "1", program, config)) == first {
		t.Error("another program makes the same package")
	}
}

func sum(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A package's life: installed, upgraded over data of the oldest layout that we
// know and a configuration that somebody changed, removed, installed again,
// purged. The data outlives all of it.
func TestPackageLife(t *testing.T) {
	config := filepath.Join(tree, "agent/debian/agent.toml")
	oldProgram, newConfig := filepath.Join(t.TempDir(), "old"), filepath.Join(t.TempDir(), "new.toml")
	write(t, oldProgram, "#!/bin/sh\necho old\n")
	write(t, newConfig, "# Another default.\n")
	older := made(t, "0.1+1", oldProgram, config)
	newer := made(t, "0.1+2", builtAgent(t), newConfig)
	h := newHouse(t)
	h.bring(older, "/tmp/old.deb")
	h.bring(newer, "/tmp/new.deb")

	said := h.do("dpkg", "--install", "/tmp/old.deb")
	who := h.owner()
	if !strings.Contains(said, "yhteiskone-agent user add NAME") {
		t.Errorf("it does not say how to become an admin:\n%s", said)
	}
	if passwd := h.do("getent", "passwd", "yhteiskone-agent"); !strings.Contains(passwd, ":"+dataDir+":/usr/sbin/nologin") {
		t.Error(passwd)
	}
	if info, err := os.Stat(h.at(dataDir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	if !h.has(wanted) || !strings.Contains(h.do(command), "old") {
		t.Error("the service is not enabled, or the program not there")
	}

	h.live(who)
	write(t, h.at(confile), "names = [\"agent.example\"]\n")
	if said := h.do("dpkg", "--force-confdef", "--force-confold", "--install", "/tmp/new.deb"); strings.Contains(said, "first admin") {
		t.Errorf("an upgrade speaks as the first installation does:\n%s", said)
	}
	h.whole(who)
	if h.read(confile) != "names = [\"agent.example\"]\n" || !h.has(wanted) {
		t.Error("the upgrade changed what is the house's own")
	}
	h.serves(who)
	if out, err := h.try(command, "user", "list", "--data", dataDir); err == nil || !strings.Contains(out, "run this as that user: runuser -u yhteiskone-agent") {
		t.Errorf("root may leave its files in the agent's data: %v %s", err, out)
	}

	h.do("dpkg", "--remove", "yhteiskone-agent")
	if h.has(command) || h.has("/usr/lib/systemd/system/yhteiskone-agent.service") || h.read(confile) == "" {
		t.Error("a removal leaves the program, or takes the configuration")
	}
	h.do("dpkg", "--install", "/tmp/new.deb")
	h.whole(who)
	if !h.has(wanted) || h.read(confile) != "names = [\"agent.example\"]\n" {
		t.Error("installed again, it is not what it was")
	}

	key := h.read(dataDir + "/identity.pem")
	said = h.do("dpkg", "--purge", "yhteiskone-agent")
	if !strings.Contains(said, "the data stays in "+dataDir) {
		t.Errorf("a purge does not say that the data stays:\n%s", said)
	}
	if h.has(command) || h.has("/etc/yhteiskone") || h.has(wanted) {
		t.Error("a purge leaves something besides the data")
	}
	if key == "" || h.read(dataDir+"/identity.pem") != key || h.owner().Uid != who.Uid {
		t.Error("the identity is lost, or is somebody else's")
	}
	h.do("dpkg", "--install", "/tmp/new.deb")
	h.whole(who)
}

// owner is whose the data folder is: not root's.
func (h house) owner() *syscall.Credential {
	h.t.Helper()
	info, err := os.Stat(h.at(dataDir))
	if err != nil {
		h.t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	if s.Uid == 0 || s.Gid == 0 {
		h.t.Fatal("the data is root's")
	}
	return &syscall.Credential{Uid: s.Uid, Gid: s.Gid}
}

// live fills the data folder as an agent of the oldest layout left it.
func (h house) live(who *syscall.Credential) {
	h.t.Helper()
	kept, err := filepath.Glob(filepath.Join(tree, "agent/store/testdata/schema-*.db.gz"))
	if err != nil || len(kept) == 0 {
		h.t.Fatal("no store of an earlier layout is kept: ", err)
	}
	in, err := os.Open(kept[0])
	if err != nil {
		h.t.Fatal(err)
	}
	defer in.Close()
	zip, err := gzip.NewReader(in)
	if err != nil {
		h.t.Fatal(err)
	}
	raw, err := io.ReadAll(zip)
	if err != nil {
		h.t.Fatal(err)
	}
	write(h.t, h.at(dataDir+"/agent.db"), string(raw))
	if _, err := identity.LoadAgent(h.at(dataDir + "/identity.pem")); err != nil {
		h.t.Fatal(err)
	}
	for _, f := range []string{"agent.db", "identity.pem"} {
		if err := os.Chown(h.at(dataDir+"/"+f), int(who.Uid), int(who.Gid)); err != nil {
			h.t.Fatal(err)
		}
	}
}

// whole looks at the data with the installed program, as its user.
func (h house) whole(who *syscall.Credential) {
	h.t.Helper()
	if said := h.as(who, command, "check", "--data", dataDir); !strings.Contains(said, "The data is whole: 2 sites, 3 kiosks, 2 people, 1 token") {
		h.t.Errorf("the data is not what it was: %s", said)
	}
}

// serves runs what the unit runs, with the installed configuration, until it
// listens.
func (h house) serves(who *syscall.Credential) {
	h.t.Helper()
	line := ""
	for l := range strings.Lines(h.read("/usr/lib/systemd/system/yhteiskone-agent.service")) {
		if after, ok := strings.CutPrefix(l, "ExecStart="); ok {
			line = strings.ReplaceAll(after, "${LISTEN}", "127.0.0.1:0")
		}
	}
	cmd := h.command(h.t.Context(), who, strings.Fields(line)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	first, err := bufio.NewReader(out).ReadString('\n')
	cmd.Process.Signal(syscall.SIGTERM)
	go io.Copy(io.Discard, out)
	if end := cmd.Wait(); end != nil || !strings.HasPrefix(first, "agent: listening on https://127.0.0.1:") {
		h.t.Errorf("what the unit runs does not serve: %q %v %v\n%s", first, err, end, &log)
	}
}
