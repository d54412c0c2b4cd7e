package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/gpt"
	"yhteiskone/provision/write"
	"yhteiskone/provision/write/writetest"

	"golang.org/x/sys/unix"
)

// pc is a bare machine with the stick in it, made of files.
type pc struct {
	t     *testing.T
	root  string
	log   chan string // a line for each page
	keys  io.WriteCloser
	tools *fakeTools
	o     Options
}

func (c *pc) put(path, text string) {
	c.t.Helper()
	at := filepath.Join(c.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o600)); err != nil {
		c.t.Fatal(err)
	}
}

// block makes a disk, or the partition of one, and the file that stands for it.
func (c *pc) block(name, number, below string, size int64, more map[string]string) {
	c.t.Helper()
	place := "sys/devices/" + below + "/" + name
	c.put(place+"/dev", number+"\n")
	c.put(place+"/size", fmt.Sprint(size/512)+"\n")
	for path, text := range more {
		c.put(place+"/"+path, text+"\n")
	}
	links := []string{"sys/dev/block/" + number, "sys/class/block/" + name}
	if more["partition"] == "" {
		links = append(links, "sys/block/"+name)
	}
	for _, link := range links {
		at := filepath.Join(c.root, link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.Symlink(filepath.Join(c.root, place), at)); err != nil {
			c.t.Fatal(err)
		}
	}
}

const innerSize = 5_000_000_000

// inner gives the machine a disk of its own.
func (c *pc) inner(letter, number, serial string, size int64) {
	c.t.Helper()
	c.block("sd"+letter, number, "pci0/ata"+letter, size, map[string]string{"removable": "0", "serial": serial, "device/model": "WDC"})
	f, err := os.Create(filepath.Join(c.root, "dev/sd"+letter))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		c.t.Fatal(err)
	}
}

// device stands for an open disk.
type device struct {
	*os.File
	look func() (disk.Disk, error)
	fail func(off int64) error
}

func (d *device) WriteAt(p []byte, off int64) (int, error) {
	if d.fail != nil {
		if err := d.fail(off); err != nil {
			return 0, err
		}
	}
	return d.File.WriteAt(p, off)
}

func (d *device) Zero(off, n int64) error { // what an earlier try wrote goes
	return unix.Fallocate(int(d.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
}
func (d *device) Push(off, n int64) error  { return nil }
func (d *device) Forget() error            { return nil }
func (d *device) Look() (disk.Disk, error) { return d.look() }
func (d *device) Eject() error             { return write.ErrNoEject }

// fakeTools do what the image's programs do, in small.
type fakeTools struct {
	mu        sync.Mutex
	enrolled  []string // keys that were let in
	enrol     func(key string) error
	check     error
	write     func(off int64) error
	restarted int
	held      int
}

func (f *fakeTools) Check(context.Context) error { return f.check }

func (f *fakeTools) Enrol(_ context.Context, join, state string) (Member, error) {
	text, err := os.ReadFile(join)
	if err != nil || !bytes.Contains(text, []byte(`"code": "ABCD"`)) || bytes.Contains(text, []byte("machines")) {
		return Member{}, fmt.Errorf("the join file is %s: %w", text, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key, err := os.ReadFile(filepath.Join(state, keyFile))
	if err != nil {
		key = fmt.Appendf(nil, "key %d", len(f.enrolled)+1)
		if err := os.WriteFile(filepath.Join(state, keyFile), key, 0o600); err != nil {
			return Member{}, err
		}
	}
	if f.enrol != nil {
		if err := f.enrol(string(key)); err != nil {
			return Member{}, err
		}
	}
	if !slices.Contains(f.enrolled, string(key)) {
		f.enrolled = append(f.enrolled, string(key))
	}
	n := slices.Index(f.enrolled, string(key)) + 1
	return Member{fmt.Sprintf("k-%d", n), fmt.Sprintf("Kone %d", n), "illusia", "https://agent.example"},
		os.WriteFile(filepath.Join(state, memberFile), fmt.Appendf(nil, "member %d", n), 0o600)
}

func (f *fakeTools) FAT(_ context.Context, path string, size, at int64) error {
	image, err := os.ReadFile("testdata-fat") // made by the test
	if err != nil {
		return err
	}
	return os.WriteFile(path, image, 0o600)
}

func (f *fakeTools) Ext4(_ context.Context, path string, size int64, folder string) error {
	var all []byte
	err := filepath.WalkDir(folder, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		all = append(all, text...)
		return err
	})
	return errors.Join(err, os.WriteFile(path, append(all, 0), 0o600))
}

func (f *fakeTools) Hold() error    { f.held++; return nil }
func (f *fakeTools) Restart() error { f.restarted++; return nil }

// newPC is a machine that runs from a stick with this plan, and has one disk.
func newPC(t *testing.T, plan Plan) *pc {
	t.Helper()
	c := &pc{t: t, root: t.TempDir(), log: make(chan string, 1000), tools: &fakeTools{}}
	image := writetest.Image(t, writetest.Parts())
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "testdata-fat")
	if err := os.WriteFile(conf, text[22<<20:58<<20], 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(conf))
	c.put("dev/sdz", string(text))
	c.block("sdz", "8:400", "pci0/usb1/1-2", int64(len(text)), map[string]string{"removable": "1"})
	c.block("sdz3", "8:403", "pci0/usb1/1-2/sdz", 9<<20, map[string]string{"partition": "3"})
	c.put("proc/self/mountinfo", "26 1 8:403 / / rw - squashfs /dev/sdz3 ro\n")
	c.put("proc/swaps", "")
	c.put("proc/meminfo", "MemTotal:        4000000 kB\n")
	c.put("sys/class/dmi/id/sys_vendor", "HP\n")
	c.put("sys/class/dmi/id/product_name", "Compaq 8200\n")
	c.inner("a", "8:0", "WD-99887766", innerSize)
	in, out := io.Pipe()
	c.keys = out
	t.Cleanup(func() { out.Close() })
	screen := &Screen{Out: io.Discard, Size: func() (int, int) { return 80, 25 }, Note: func(text string) { c.log <- text }}
	screen.Listen(in)
	state := t.TempDir()
	planText, err := plan.Text()
	if err != nil {
		t.Fatal(err)
	}
	c.put("conf/"+PlanName, string(planText))
	machine := disk.Machine{Root: c.root}
	c.o = Options{Machine: machine, Conf: filepath.Join(c.root, "conf"), State: state, Work: t.TempDir(), Screen: screen, Tools: c.tools,
		Page:    func(agent, kiosk string) string { return agent + "/kiosks/" + kiosk },
		Picture: func(address string) ([]string, error) { return []string{"QR of " + address}, nil },
		Open: func(m disk.Machine, d disk.Disk) (write.Device, error) {
			f, err := os.OpenFile(filepath.Join(c.root, d.Path), os.O_RDWR, 0)
			return &device{f, func() (disk.Disk, error) { return m.Number(d.Number) }, c.tools.write}, err
		}}
	return c
}

func aPlan(machines int) Plan {
	return Plan{Agent: "https://agent.example", Pin: "pin", Code: "ABCD", Name: "Kone", Machines: machines}
}

// begin starts the installer, and returns its end.
func (c *pc) begin() <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- Run(c.t.Context(), c.o) }()
	return ended
}

// sees waits for a page that holds all of it.
func (c *pc) sees(texts ...string) string {
	c.t.Helper()
	end := time.After(60 * time.Second)
	var seen []string
	for {
		select {
		case said := <-c.log:
			if !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(said, t) }) {
				return said
			}
			seen = append(seen, said)
		case <-end:
			c.t.Fatalf("nobody said %q, but\n%s", texts, strings.Join(seen, "\n"))
		}
	}
}

func (c *pc) types(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.keys, text+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// pulls takes the stick out and waits for the end.
func (c *pc) pulls(ended <-chan error) {
	c.t.Helper()
	if err := os.Remove(filepath.Join(c.root, "sys/block/sdz")); err != nil {
		c.t.Fatal(err)
	}
	if err := <-ended; err != nil || c.tools.restarted != 1 || c.tools.held != 1 {
		c.t.Errorf("restarted %d times: %v", c.tools.restarted, err)
	}
}

// first is how a disk begins.
func (c *pc) first(letter string, size int) []byte {
	c.t.Helper()
	f, err := os.Open(filepath.Join(c.root, "dev/sd"+letter))
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, size)
	if _, err := f.ReadAt(head, 0); err != nil {
		c.t.Fatal(err)
	}
	return head
}

func (c *pc) starts(letter string) bool {
	return len(bytes.Trim(c.first(letter, 512), "\x00")) > 0
}

func (c *pc) plan() Plan {
	c.t.Helper()
	p, err := ReadPlan(filepath.Join(c.o.Conf, PlanName))
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// A person is shown machine and disk, types the end of its serial number, and
// has a kiosk.
func TestAskedOnce(t *testing.T) {
	c := newPC(t, aPlan(2))
	c.put("conf/wifi.conf", "network={}")
	ended := c.begin()
	c.sees("HP Compaq 8200", "4.1 GB", "1. 5 GB, WDC", "WD-99887766", "tyhjä", "KATOAA KAIKKI", "...7766", "vielä 2")
	for _, wrong := range []string{"", "7767", "66", "y", "kyllä"} {
		c.types(wrong)
		if said := c.sees("KATOAA KAIKKI"); wrong != "" && !strings.Contains(said, "Mitään ei tyhjennetty") {
			t.Errorf("%q: %s", wrong, said)
		}
	}
	c.types("sv")
	c.sees("Den här datorn", "ALLT PÅ DISKEN FÖRSVINNER")
	c.types("fi")
	c.sees("Tämä tietokone")
	if c.starts("a") || len(c.tools.enrolled) != 0 {
		t.Fatal("something was done without a word")
	}
	c.types("7766")
	c.sees("tarkistetaan")
	c.sees("Kirjoitetaan levylle")
	c.sees("Luetaan takaisin")
	c.sees("Koneen nimi on Kone 1.", "https://agent.example/kiosks/k-1", "Irrota tikku", "vielä 1")
	c.pulls(ended)
	head := c.first("a", gpt.Head)
	table, err := gpt.Read(head)
	if err != nil || table.Size() != innerSize {
		t.Fatalf("%+v, %v", table, err)
	}
	all := c.first("a", 60<<20)
	if data := all[58<<20 : 59<<20]; !bytes.HasPrefix(data, []byte("key 1member 1\x00")) {
		t.Errorf("kiosk-data begins with %q", data[:40])
	}
	if conf := all[22<<20 : 58<<20]; bytes.Contains(conf, []byte("ABCD")) || !bytes.Contains(conf, []byte("network={}")) {
		t.Error("kiosk-conf holds a code, or not how to get to the network")
	}
	if left, _ := os.ReadDir(c.o.State); len(left) != 0 {
		t.Errorf("the stick keeps %v", left)
	}
	if p := c.plan(); p.Machines != 1 || len(p.Done) != 1 {
		t.Errorf("%+v", p)
	}
}

// Without a network the disk gets the join file, and no key.
func TestWithoutANetwork(t *testing.T) {
	c := newPC(t, aPlan(1))
	c.tools.enrol = func(string) error { return ErrOffline }
	ended := c.begin()
	c.sees("...7766")
	c.types("wd-99887766")
	c.sees("Verkkoa ei ollut", "Irrota tikku")
	c.pulls(ended)
	all := c.first("a", 60<<20)
	if conf := all[22<<20 : 58<<20]; !bytes.Contains(conf, []byte("ABCD")) || bytes.Contains(conf, []byte("machines")) {
		t.Error("kiosk-conf holds no join file")
	}
	if bytes.Contains(all[58<<20:], []byte("key")) {
		t.Error("the key of no member is on the disk")
	}
}

// A network that comes while the disk is written does as well.
func TestANetworkThatComesLate(t *testing.T) {
	c := newPC(t, aPlan(1))
	n := 0
	c.tools.enrol = func(string) error {
		if n++; n == 1 {
			return ErrOffline
		}
		return nil
	}
	ended := c.begin()
	c.types("7766")
	c.sees("Koneen nimi on Kone 1.")
	c.pulls(ended)
}

// What goes wrong is said, with what became of the disk; and the next try has
// the same key, so no code is spent twice.
func TestWhatGoesWrong(t *testing.T) {
	for name, w := range map[string]struct {
		spoil func(*pc)
		mend  func(*pc)
		says  []string
	}{
		"refused": {func(c *pc) { c.tools.enrol = func(string) error { return fmt.Errorf("%w: too old", ErrRefused) } },
			func(c *pc) { c.tools.enrol = nil }, []string{"Levyä ei muutettu", "Koodi ei kelpaa", "too old"}},
		"a bad stick": {func(c *pc) { c.tools.check = errors.New("block 7") }, func(c *pc) { c.tools.check = nil },
			[]string{"Levyä ei muutettu", "Tikku on vioittunut", "block 7"}},
		"a bad disk": {func(c *pc) {
			c.tools.write = func(off int64) error {
				if off == 8<<20 {
					return errors.New("sparks")
				}
				return nil
			}
		}, func(c *pc) { c.tools.write = nil }, []string{"EI OLE NYT KÄYTTÖKELPOINEN", "Levy ei toimi oikein", "sparks"}},
		"at the last": {func(c *pc) {
			n := 0
			c.tools.write = func(off int64) error {
				if off == 0 {
					if n++; n == 3 { // emptied, filled, sealed
						return errors.New("sparks")
					}
				}
				return nil
			}
		}, func(c *pc) { c.tools.write = nil }, []string{"EI OLE NYT KÄYTTÖKELPOINEN"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newPC(t, aPlan(1))
			w.spoil(c)
			ended := c.begin()
			c.sees("...7766")
			c.types("7766")
			c.sees(append(w.says, "paina Enter")...)
			if c.starts("a") {
				t.Error("the disk starts a machine")
			}
			if p := c.plan(); p.Machines != 1 {
				t.Errorf("it counts: %+v", p)
			}
			w.mend(c)
			c.types("")
			c.sees("...7766")
			c.types("7766")
			c.sees("Koneen nimi on Kone 1.")
			c.pulls(ended)
			if len(c.tools.enrolled) != 1 {
				t.Errorf("let in were %v", c.tools.enrolled)
			}
		})
	}
}

func TestAStickThatIsUsedUp(t *testing.T) {
	for name, plan := range map[string]string{"none left": `{"machines":0}`, "damaged": `{"machines":`, "another": `{"colour":1}`} {
		c := newPC(t, aPlan(0))
		c.put("conf/"+PlanName, plan)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, c.o) }()
		want := "vioittunut"
		if name == "none left" {
			want = "jo tehty kaikki"
		}
		c.sees(want)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || c.starts("a") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
