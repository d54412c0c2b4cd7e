package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/provision/gpt"
)

// told is what a server heard.
type told struct {
	mu  sync.Mutex
	all []Progress
}

func (o *told) tell(p Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, p)
}

// steps are the kinds in their order, each once.
func (o *told) steps() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, p := range o.all {
		if n := len(all); n == 0 || all[n-1] != p.Step {
			all = append(all, p.Step)
		}
	}
	return strings.Join(all, " ")
}

// overNet makes the machine one that was started over the network: what it runs
// from is a disk in memory, which is in no list.
func (c *pc) overNet() *told {
	c.t.Helper()
	o := &told{}
	for _, link := range []string{"sys/block/sdz", "sys/class/block/sdz"} {
		if err := os.Remove(filepath.Join(c.root, link)); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(c.root, "dev/sdz"), filepath.Join(c.root, NetDisk)); err != nil {
		c.t.Fatal(err)
	}
	c.put("proc/self/mountinfo", "26 1 0:30 / / rw - overlay kiosk rw,lowerdir=/run/kiosk-root\n")
	c.o.Net = &Net{Tell: o.tell, Told: func(context.Context) error { return nil }, Stay: time.Hour}
	return o
}

// Over the network it is the same installer: it asks, installs and enrols, says
// how far it is, speaks of no stick, and restarts by itself.
func TestOverTheNetwork(t *testing.T) {
	c := newPC(t, aPlan(1))
	o := c.overNet()
	var heard bool
	c.o.Net.Told = func(context.Context) error {
		heard = strings.HasSuffix(o.steps(), StepDone) && c.tools.restarted == 0
		return nil
	}
	ended := c.begin()
	if said := c.sees("HP Compaq 8200", "KATOAA KAIKKI", "...7766", "Asennus tulee verkosta"); strings.Contains(said, "tiku") {
		t.Error(said)
	}
	c.types("7766")
	for _, want := range []string{"Haettu asennus tarkistetaan", "Kirjoitetaan levylle", "Luetaan takaisin", "Viimeistellään", "Koneen nimi on Kone 1."} {
		if said := c.sees(want); strings.Contains(strings.ToLower(said), "tikku") {
			t.Error(said)
		}
	}
	c.types("") // it need not be waited for
	if err := <-ended; err != nil || c.tools.restarted != 1 || !heard {
		t.Errorf("restarted %d times, the server knows: %v, %v", c.tools.restarted, heard, err)
	}
	if got := o.steps(); got != "asking joining checking writing reading finishing done" {
		t.Error(got)
	}
	last := o.all[len(o.all)-1]
	if first := o.all[0]; first.Disk != "5 GB WDC WD-99887766" || last.Name != "Kone 1" || last.Percent != 100 {
		t.Errorf("%+v %+v", first, last)
	}
	if table, err := gpt.Read(c.first("a", gpt.Head)); err != nil || table.Size() != innerSize {
		t.Errorf("%+v, %v", table, err)
	}
}

// A disk inside that is a kiosk's already is not taken for what the machine
// runs from, and is not erased without a word.
func TestOverTheNetworkAgain(t *testing.T) {
	p := aPlan(1)
	p.HandsOff = true
	c := newPC(t, p)
	c.o.Grace = 0
	c.overNet()
	c.block("sda3", "8:3", "pci0/ata-a/sda", 1<<20, map[string]string{"partition": "3"})
	c.put("run/udev/data/b8:3", "E:ID_PART_ENTRY_NAME=kiosk-A\n")
	if err := os.MkdirAll(filepath.Join(c.root, "sys/block/sda/sda3"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.put("sys/block/sda/sda3/partition", "3")
	c.put("sys/block/sda/sda3/dev", "8:3")
	c.put("sys/block/sda/sda3/size", "2048")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c.o) }()
	c.sees("levyllä on jo yhteiskone", "...7766")
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) || c.starts("a") {
		t.Error(err)
	}
}

// What goes wrong is told as well.
func TestOverTheNetworkFails(t *testing.T) {
	p := aPlan(1)
	p.HandsOff = true
	c := newPC(t, p)
	o := c.overNet()
	c.tools.enrol = func(string) error { return fmt.Errorf("%w: too old\nfor this", ErrRefused) }
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c.o) }()
	c.sees("Levyä ei muutettu", "provision serve", "too old")
	stop()
	<-ended
	if last := o.all[len(o.all)-1]; last.Step != StepFailed || !strings.Contains(last.Why, "too old; for this") {
		t.Errorf("%+v", last)
	}
}

func TestCheckOverTheNetwork(t *testing.T) {
	args, err := checkOf("boot=kiosk kiosk.slot=A kiosk.roothash=abc kiosk.hashoffset=4096 kiosk.from=http://10.0.0.1:8080")
	if err != nil || strings.Join(args, " ") != "verify --hash-offset=4096 /dev/loop0p3 /dev/loop0p3 abc" {
		t.Errorf("%v, %v", args, err)
	}
}
