package install

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"yhteiskone/provision/gpt"
)

// onFile are the image's own programs, on a disk that is a file.
type onFile struct {
	System
	*fakeTools
}

func (o onFile) FAT(ctx context.Context, path string, size, at int64) error {
	return o.System.FAT(ctx, path, size, at)
}

func (o onFile) Ext4(ctx context.Context, path string, size int64, folder string) error {
	return o.System.Ext4(ctx, path, size, folder)
}

func (o onFile) Enrol(ctx context.Context, join, state string) (Member, error) {
	return o.System.Enrol(ctx, join, state)
}

func (o onFile) Check(context.Context) error { return nil }
func (o onFile) Hold() error                 { return o.fakeTools.Hold() }
func (o onFile) Restart() error              { return o.fakeTools.Restart() }

// serve starts a real agent and returns a plan with a code of it.
func serve(t *testing.T, program string) Plan {
	t.Helper()
	data := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command(program, "serve", "--data", data, "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "listening on https://") {
			break
		}
	}
	go func() {
		for lines.Scan() {
		}
	}()
	said, err := exec.Command(program, "enrol", "--site", "illusia", "--name", "Kone", "--uses", "2", "--ttl", "1h", "--json", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Code, Pin, Agent string }
	if err := json.Unmarshal(said, &e); err != nil {
		t.Fatal(err)
	}
	return Plan{Agent: e.Agent, Pin: e.Pin, Code: e.Code, Name: "Kone", Machines: 2}
}

// The built image, the image's own programs and a real agent, on files: what
// comes of it is a disk that the tools of others find whole. With the boot test's
// variables only; YHTEISKONE_INSTALLED names where the disk is kept.
func TestTheBuiltImage(t *testing.T) {
	image, programs := os.Getenv("YHTEISKONE_BOOT"), os.Getenv("YHTEISKONE_BOOT_BIN")
	if image == "" {
		t.Skip("YHTEISKONE_BOOT names no image; say: make boot-test")
	}
	needs(t, "mkfs.vfat", "fsck.vfat", "mke2fs", "e2fsck", "debugfs", "sfdisk")
	c := newPC(t, serve(t, filepath.Join(programs, "agent")))
	info, err := os.Stat(image)
	if err != nil {
		t.Fatal(err)
	}
	stick, inner := filepath.Join(c.root, "dev/sdz"), filepath.Join(c.root, "dev/sda")
	if err := os.Remove(stick); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(image, stick); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("YHTEISKONE_INSTALLED"); keep != "" {
		if err := os.Rename(inner, keep); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(keep, inner); err != nil {
			t.Fatal(err)
		}
	}
	c.put("sys/devices/pci0/usb1/1-2/sdz/size", strconv.FormatInt(info.Size()/512, 10))
	c.o.Tools = onFile{System{Kiosk: filepath.Join(programs, "kiosk"), Owner: 800, Folder: c.o.Work, Patient: time.Minute}, c.tools}
	began := time.Now()
	ended := c.begin()
	c.sees("...7766")
	c.types("7766")
	select {
	case <-time.After(10 * time.Minute):
		t.Fatal("it does not end")
	case said := <-until(c, "Irrota tikku"):
		if !strings.Contains(said, "Koneen nimi on Kone 1.") {
			t.Fatal(said)
		}
	}
	c.pulls(ended)
	t.Logf("%.0f s", time.Since(began).Seconds())
	if said := says(t, "sfdisk", "--verify", inner); !strings.Contains(said, "No errors detected") {
		t.Error(said)
	}
	f, err := os.Open(inner)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, gpt.Head)
	if _, err := f.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	table, err := gpt.Read(head)
	if err != nil {
		t.Fatal(err)
	}
	part := func(from, name string) string {
		p, err := table.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), name)
		says(t, "dd", "if="+from, "of="+to, "bs=1M", "conv=sparse", "status=none", "skip="+strconv.FormatInt(p.Start()>>20, 10), "count="+strconv.FormatInt(p.Size>>20, 10))
		return to
	}
	for _, same := range []string{"kiosk-bios", "kiosk-esp", "kiosk-A"} {
		says(t, "cmp", part(image, same), part(inner, same))
	}
	for _, name := range []string{"kiosk-esp", "kiosk-conf"} {
		says(t, "fsck.vfat", "-n", part(inner, name))
	}
	data := part(inner, "kiosk-data")
	says(t, "e2fsck", "-f", "-n", data)
	if said := says(t, "debugfs", "-R", "ls -l /", data); !strings.Contains(said, keyFile) || !strings.Contains(said, memberFile) || strings.Count(said, "800") < 4 {
		t.Errorf("kiosk-data has\n%s", said)
	}
	if conf, err := os.ReadFile(part(inner, "kiosk-conf")); err != nil || bytes.Contains(conf, []byte("code")) {
		t.Errorf("kiosk-conf holds a code, or nothing: %v", err)
	}
}

// until gives the first page that holds a text.
func until(c *pc, text string) <-chan string {
	found := make(chan string, 1)
	go func() {
		for said := range c.log {
			if strings.Contains(said, text) {
				found <- said
				return
			}
		}
	}()
	return found
}
