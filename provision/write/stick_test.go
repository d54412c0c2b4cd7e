package write

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"yhteiskone/provision/disk"
)

// faulty is a disk that fails where a test wants it to.
type faulty struct {
	Device
	write, read func(p []byte, off int64) error // asked before each
	look        func(*disk.Disk)
	sync        func() error
	eject       error
	wrote       []int64 // where, in order
}

func (f *faulty) WriteAt(p []byte, off int64) (int, error) {
	if f.write != nil {
		if err := f.write(p, off); err != nil {
			return 0, err
		}
	}
	f.wrote = append(f.wrote, off)
	return f.Device.WriteAt(p, off)
}

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.Device.ReadAt(p, off)
	if f.read != nil && err == nil {
		err = f.read(p, off)
	}
	return n, err
}

func (f *faulty) Look() (disk.Disk, error) {
	d, err := f.Device.Look()
	if f.look != nil {
		f.look(&d)
	}
	return d, err
}

func (f *faulty) Sync() error {
	if f.sync != nil {
		if err := f.sync(); err != nil {
			return err
		}
	}
	return f.Device.Sync()
}

func (f *faulty) Eject() error {
	if f.eject != nil {
		return f.eject
	}
	return f.Device.Eject()
}

// stick is a file that stands for a disk that was used before.
func stick(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stick")
	old := bytes.Repeat([]byte("older data "), 1<<20/11)
	old[510], old[511] = 0x55, 0xaa
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int64{0, size / 2, size - int64(len(old))} { // holes between: quick to make
		if _, err := f.WriteAt(old, at); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

const room = 64 << 20

func options(t *testing.T, image, to string, f *faulty) Options {
	t.Helper()
	m, err := OpenImage(image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	d, err := disk.This().Find(to)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Image: m, Disk: d, Machine: disk.This(), Now: time.Now, Tell: func(Event) {},
		Confirm: func(disk.Disk) error { return nil },
		Files:   map[string][]byte{"join.json": []byte(`{"name":"Kone ä"}`)}}
	if f != nil {
		o.Open = func(m disk.Machine, d disk.Disk) (dev Device, err error) {
			f.Device, err = open(m, d)
			return f, err
		}
	}
	return o
}

// bootable reports whether a machine would try to start from it.
func bootable(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first := make([]byte, sector)
	if _, err := f.ReadAt(first, 0); err != nil {
		t.Fatal(err)
	}
	return !bytes.Equal(first, make([]byte, sector))
}

// alike reports whether the disk holds the image, kiosk-conf apart, with a table
// that fits the disk, and whether the rest is as it was.
func alike(t *testing.T, image, to string) {
	t.Helper()
	want, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	was, err := readLayout(want)
	if err != nil {
		t.Fatal(err)
	}
	table, err := readLayout(got)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range table.Partitions {
		o := was.Partitions[i]
		if p.Name != o.Name || p.Type != o.Type || p.Start() != o.Start() || p.Size != o.Size || p.ID == o.ID || table.ID == was.ID {
			t.Errorf("the partition %+v has become %+v", o, p)
		}
	}
	begin, tail, err := ends(table, want[:bootCode])
	if err != nil {
		t.Fatal(err)
	}
	end, conf := len(got)-len(tail), (1+1+2+9+9)<<20
	if table.Size() != int64(len(got)) || !bytes.HasPrefix(got, begin) || !bytes.Equal(got[end:], tail) {
		t.Error("the partition table does not fit the disk")
	}
	if !bytes.Equal(want[len(begin):conf], got[len(begin):conf]) || !bytes.Equal(want[conf+(36<<20):], got[conf+(36<<20):len(want)]) {
		t.Error("the disk does not hold the image")
	}
	if !bytes.HasSuffix(got[:end], []byte("older data ")) {
		t.Error("something was written behind the image")
	}
	// A second pair of eyes, where there is one.
	if sfdisk, err := exec.LookPath("sfdisk"); err == nil {
		if out, err := exec.Command(sfdisk, "--verify", to).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("No errors")) {
			t.Errorf("sfdisk says %q, %v", out, err)
		}
	}
}

func packed(t *testing.T, image string) string {
	t.Helper()
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "yhteiskone-1.img.zst")
	if err := os.WriteFile(path, e.EncodeAll(text, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
