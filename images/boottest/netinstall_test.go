package boottest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inside marks the run in a network of its own, which ends with it.
const inside = "YHTEISKONE_NETINSTALL_INSIDE"

// Two bare machines at once start from the network, are installed by "provision
// serve", restart from their disks and are free on an agent's dashboard. One has
// a BIOS, the other UEFI.
// With YHTEISKONE_NETINSTALL only: it takes longer than the boot test has.
func TestNetInstall(t *testing.T) {
	if os.Getenv("YHTEISKONE_NETINSTALL") == "" {
		t.Skip("say: YHTEISKONE_NETINSTALL=1 make boot-test BOOT='-run TestNetInstall'")
	}
	image, programs, shots := given(t)
	if os.Getenv(inside) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("unshare", "--net", self, "-test.run", "^TestNetInstall$", "-test.v", "-test.timeout", "60m")
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		return
	}
	netOf := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	netOf("link", "set", "lo", "up")
	netOf("link", "add", "lan", "type", "bridge")
	netOf("address", "add", seenAt+"/24", "dev", "lan")
	netOf("link", "set", "lan", "up")

	a := newAgent(t, filepath.Join(programs, "agent"))
	carryFrom(t, seenAt+":8443", a.address)

	// The image as it is handed out, with a machine's voice.
	given := &machine{t: t, dir: t.TempDir()}
	given.disk = filepath.Join(given.dir, "yhteiskone.img")
	given.run("cp", "--sparse=always", image, given.disk)
	given.talk()
	join := filepath.Join(given.dir, "koneet.json")
	if err := os.WriteFile(join, []byte(a.forMany(2)), 0o600); err != nil {
		t.Fatal(err)
	}
	log := serves(t, filepath.Join(programs, "provision"), filepath.Join(shots, "netinstall-serve.log"),
		"serve", given.disk, "--join", join, "--listen", seenAt, "--dhcp", "10.0.2.50-99", "--hands-off")

	began := time.Now()
	firmwares := []firmware{bios(), uefi()}
	var all []*machine
	for i, f := range firmwares {
		tap := fmt.Sprintf("tap%d", i)
		netOf("tuntap", "add", tap, "mode", "tap")
		netOf("link", "set", tap, "master", "lan", "up")
		m := &machine{t: t, dir: t.TempDir(), shots: filepath.Join(shots, "netinstall-"+f.name), agent: a, web: newSite(t), house: newSite(t), again: true}
		m.disk = filepath.Join(m.dir, "inner.img")
		file, err := os.Create(m.disk)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(file.Truncate(8<<30), file.Close()); err != nil {
			t.Fatal(err)
		}
		// The BIOS's card has iPXE in it, and is always asked first: so a machine that is
		// done must be let go. UEFI asks by itself, once its disk is found empty, and
		// fetches iPXE by TFTP.
		card, first, second := "e1000e", 0, 1
		if f.code != "" {
			card, first, second = "virtio-net-pci,romfile=", 1, 0
		}
		m.wire = []string{"-netdev", "tap,id=n0,script=no,downscript=no,ifname=" + tap, "-device", fmt.Sprintf("%s,netdev=n0,mac=52:54:00:77:00:0%d,bootindex=%d", card, i+1, first)}
		m.drives = []string{"-drive", "file=" + m.disk + ",format=raw,if=none,id=d0",
			"-device", fmt.Sprintf("ide-hd,drive=d0,bus=ahci.0,model=WDC WD10EZEX,serial=WD-%d,bootindex=%d", i+1, second)}
		m.start(f, 2048)
		t.Cleanup(func() {
			m.picture("last")
			if text, err := os.ReadFile(m.serial()); err == nil {
				os.WriteFile(m.shots+".log", text, 0o644)
			}
		})
		all = append(all, m)
	}
	page := func(lang string) string {
		resp, err := http.Get("http://" + seenAt + ":8080/?lang=" + lang)
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return string(text) + errorText(err)
	}
	wait := func(what string, there func() (bool, string)) {
		t.Helper()
		until(t, installing+patience, what, func() (bool, string) {
			for _, m := range all {
				if m.gone() {
					t.Fatalf("a machine ended\n%s", m.lastWords())
				}
			}
			done, seen := there()
			return done, seen + log()
		})
		t.Logf("%s after %.0f s", what, time.Since(began).Seconds())
	}
	wait("both write", func() (bool, string) {
		said := log()
		return strings.Contains(said, "00:01 writing") && strings.Contains(said, "00:02 writing"), ""
	})
	for i, lang := range []string{"fi", "en"} {
		os.WriteFile(filepath.Join(shots, "netinstall-page-"+lang+".html"), []byte(page(lang)), 0o644)
		all[i].picture("writing")
	}
	wait("both are installed", func() (bool, string) {
		seen := page("en")
		return strings.Contains(seen, "Ready 2/2") && strings.Contains(seen, "Kone 1") && strings.Contains(seen, "Kone 2"), seen
	})
	os.WriteFile(filepath.Join(shots, "netinstall-page-done.html"), []byte(page("fi")), 0o644)
	wait("both are free", func() (bool, string) {
		kiosks, seen := a.all()
		free := 0
		for _, k := range kiosks {
			if k.Status == "free" {
				free++
			}
		}
		return free == 2 && len(kiosks) == 2, seen
	})
}

// carryFrom carries connections that come to an address on to another.
func carryFrom(t *testing.T, from, to string) {
	t.Helper()
	l, err := net.Listen("tcp4", from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				out, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer out.Close()
				go func() {
					io.Copy(out, in)
					out.(*net.TCPConn).CloseWrite()
				}()
				io.Copy(in, out)
			}()
		}
	}()
}

// serves starts the server, waits until it listens, and returns how to read
// what it says.
func serves(t *testing.T, program, keep string, args ...string) func() string {
	t.Helper()
	out, err := os.Create(keep)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		<-ended
	})
	log := func() string {
		text, _ := os.ReadFile(keep)
		return string(text)
	}
	until(t, 2*time.Minute, "the server", func() (bool, string) {
		lines := bufio.NewScanner(strings.NewReader(log()))
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "Listening on ") {
				return true, ""
			}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("provision serve ended: %v\n%s", err, log())
		default:
		}
		return false, log()
	})
	return log
}
