package boottest

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// carries makes our own binary, started by QEMU, carry bytes.
const carries = "carry"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == carries {
		carry(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// carry is the one way out of the machine: QEMU starts it for a connection.
func carry(to string) {
	c, err := net.Dial("tcp", to)
	if err != nil {
		os.Exit(1)
	}
	go func() {
		io.Copy(c, os.Stdin)
		c.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(os.Stdout, c)
}

// firmware is how the machine starts.
type firmware struct {
	name    string
	machine string
	code    string // OVMF's; empty for a BIOS
	vars    string
	secure  bool
}

const ovmf = "/usr/share/OVMF/"

func bios() firmware { return firmware{name: "bios", machine: "q35"} }

func uefi() firmware {
	return firmware{name: "uefi", machine: "q35", code: ovmf + "OVMF_CODE_4M.fd", vars: ovmf + "OVMF_VARS_4M.fd"}
}

func secureBoot() firmware {
	return firmware{name: "secureboot", machine: "q35,smm=on", code: ovmf + "OVMF_CODE_4M.ms.fd", vars: ovmf + "OVMF_VARS_4M.ms.fd", secure: true}
}

// machine is one PC.
type machine struct {
	t       *testing.T
	dir     string
	disk    string
	drives  []string // how QEMU is told of its disks; without it there is one, disk
	wire    []string // how QEMU is told of its first network card; without it, it sees agent and house
	again   bool     // it may restart by itself
	process *exec.Cmd
	ended   chan struct{}
	monitor net.Conn
	said    *json.Decoder
	eyes    *eyes
	shots   string // where pictures go: how their names begin
	agent   *agent
	web     *site    // out in the world, as far as the machine can tell
	house   *site    // in the house, beside the agent: somebody else's
	card    string   // model of the network card; e1000e if empty
	cpus    int      // how many it has; 0 for two
	tls     string   // where the page out in the world is over TLS; empty for nowhere
	plugged []string // what more QEMU is told to plug in
}

// newMachine copies the image to a disk of its own, with a join file.
func newMachine(t *testing.T, image, programs, shots string) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir(), shots: shots, agent: newAgent(t, filepath.Join(programs, "agent")), web: newSite(t), house: newSite(t)}
	t.Cleanup(func() {
		if text, err := os.ReadFile(m.serial()); err == nil {
			os.WriteFile(shots+".log", text, 0o644)
		}
	})
	m.disk = filepath.Join(m.dir, "disk.img")
	m.run("cp", "--sparse=always", image, m.disk)
	m.talk()
	m.put("kiosk-conf", "join.json", m.agent.join)
	return m
}

func (m *machine) run(name string, args ...string) {
	m.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// partition is where a partition of the disk begins, for mtools.
func (m *machine) partition(name string) string {
	m.t.Helper()
	f, err := os.Open(m.disk)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	table := make([]byte, 128*128)
	if _, err := f.ReadAt(table, 2*512); err != nil {
		m.t.Fatal(err)
	}
	for ; len(table) > 0; table = table[128:] {
		var units []uint16
		for i := 56; i < 128; i += 2 {
			if u := binary.LittleEndian.Uint16(table[i:]); u != 0 {
				units = append(units, u)
			}
		}
		if string(utf16.Decode(units)) == name {
			return fmt.Sprintf("%s@@%d", m.disk, binary.LittleEndian.Uint64(table[32:])*512)
		}
	}
	m.t.Fatalf("the disk has no partition %s", name)
	return ""
}

// put writes a file into a FAT partition.
func (m *machine) put(partition, name, text string) {
	m.t.Helper()
	m.putIn(m.partition(partition), name, text)
}

// putIn writes a file into a FAT file system.
func (m *machine) putIn(system, name, text string) {
	m.t.Helper()
	from := filepath.Join(m.dir, filepath.Base(name))
	if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.run("mcopy", "-o", "-i", system, from, "::"+name)
}

// get reads one.
func (m *machine) get(partition, name string) (string, error) {
	m.t.Helper()
	cmd := exec.Command("mtype", "-i", m.partition(partition), "::"+name)
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=1")
	out, err := cmd.Output()
	return string(out), err
}

// talk makes the machine say on its serial port what it does. It is the test's
// own copy that does; the image says nothing.
func (m *machine) talk() {
	m.t.Helper()
	const name = "EFI/debian/grub.cfg"
	config, err := m.get("kiosk-esp", name)
	if err != nil {
		m.t.Fatal(err)
	}
	quiet := "quiet loglevel=3 systemd.show_status=no"
	if !strings.Contains(config, quiet) {
		m.t.Fatalf("grub.cfg has no %q", quiet)
	}
	m.put("kiosk-esp", name, strings.Replace(config, quiet,
		"console=ttyS0,115200 loglevel=4 systemd.show_status=no systemd.log_level=notice systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info systemd.wants="+eyesUnit, 1))
}

// start turns the machine on.
func (m *machine) start(f firmware, mib int) {
	t := m.t
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	socket, looks := filepath.Join(m.dir, "qmp"), filepath.Join(m.dir, "eyes")
	os.Remove(socket) // of the start before
	os.Remove(looks)
	way := func(at, to string) string { return "guestfwd=tcp:" + at + "-cmd:" + self + " " + carries + " " + to }
	cpus := m.cpus
	if cpus == 0 {
		cpus = 2
	}
	args := []string{"-accel", "tcg,thread=multi", "-cpu", "max", "-machine", f.machine, "-m", fmt.Sprint(mib), "-smp", fmt.Sprint(cpus),
		"-display", "none", "-nodefaults", "-serial", "file:" + m.serial(),
		"-chardev", "socket,id=eyes,server=on,wait=off,path=" + looks, "-serial", "chardev:eyes", "-smbios", "type=11,path=" + m.credential(),
		"-qmp", "unix:" + socket + ",server=on,wait=off", "-device", "virtio-vga", "-device", "virtio-rng-pci",
		"-device", "qemu-xhci,id=usb", "-device", "usb-kbd", "-device", "usb-tablet",
		"-netdev", "user,id=n1,restrict=on,net=" + webNet + "," + way(webAt+":80", m.web.address) + m.secured(way), "-device", "virtio-net-pci,netdev=n1,romfile=,mac=" + webCard,
		"-device", "ahci,id=ahci"}
	drives := m.drives
	if drives == nil {
		drives = []string{"-drive", "file=" + m.disk + ",format=raw,if=none,id=d0", "-device", "ide-hd,drive=d0,bus=ahci.0"}
	}
	args = append(args, drives...)
	if m.wire == nil {
		args = append(args, "-netdev", "user,id=n0,restrict=on,"+way(seenAt+":8443", m.agent.address)+","+way(houseAt+":80", m.house.address), "-device", cmp.Or(m.card, "e1000e")+",netdev=n0,romfile=")
	}
	args = append(append(args, m.wire...), m.plugged...)
	if !m.again {
		args = append(args, "-no-reboot")
	}
	if f.code != "" {
		vars := filepath.Join(m.dir, "vars.fd")
		m.run("cp", f.vars, vars)
		if f.secure {
			args = append(args, "-global", "driver=cfi.pflash01,property=secure,value=on")
		}
		args = append(args, "-drive", "if=pflash,format=raw,readonly=on,file="+f.code, "-drive", "if=pflash,format=raw,file="+vars)
	}
	m.process = exec.Command("qemu-system-x86_64", args...)
	m.process.Stdout, m.process.Stderr = os.Stderr, os.Stderr
	if err := m.process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	m.ended = ended
	go func() {
		m.process.Wait()
		close(ended)
	}()
	t.Cleanup(m.stop)
	until(t, 30*time.Second, "the machine's monitor", func() (bool, string) {
		m.monitor, err = net.Dial("unix", socket)
		return err == nil, fmt.Sprint(err)
	})
	m.said = json.NewDecoder(m.monitor)
	var greeting json.RawMessage
	if err := m.said.Decode(&greeting); err != nil {
		t.Fatal(err)
	}
	m.ask("qmp_capabilities", map[string]any{})
	m.eyes = newEyes(t, looks)
}

func (m *machine) serial() string { return filepath.Join(m.dir, "serial.log") }

// secured is the way to the page over TLS, if there is one.
func (m *machine) secured(way func(at, to string) string) string {
	if m.tls == "" {
		return ""
	}
	return "," + way(webAt+":443", m.tls)
}

// ask gives the monitor a command.
func (m *machine) ask(command string, arguments map[string]any) {
	m.t.Helper()
	if err := json.NewEncoder(m.monitor).Encode(map[string]any{"execute": command, "arguments": arguments}); err != nil {
		m.t.Fatal(err)
	}
	for {
		var answer struct {
			Return, Error json.RawMessage
		}
		if err := m.said.Decode(&answer); err != nil {
			m.t.Fatal(err)
		}
		if answer.Error != nil {
			m.t.Fatalf("%s: %s", command, answer.Error)
		}
		if answer.Return != nil {
			return
		}
	}
}

// picture keeps what is on the screen.
func (m *machine) picture(name string) {
	m.t.Helper()
	m.ask("screendump", map[string]any{"filename": m.shots + "-" + name + ".png", "format": "png"})
}

// stop cuts the power.
func (m *machine) stop() {
	if m.process != nil {
		m.process.Process.Kill()
		<-m.ended
	}
}

// gone reports whether the machine is off.
func (m *machine) gone() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// lastWords are the end of what it said on its serial port.
func (m *machine) lastWords() string {
	text, _ := os.ReadFile(m.serial())
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// until looks again and again.
func until(t *testing.T, patience time.Duration, what string, look func() (bool, string)) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for {
		done, seen := look()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come in %v: %s", what, patience, seen)
		}
	}
}
