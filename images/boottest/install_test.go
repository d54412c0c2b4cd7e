package boottest

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// installing is how long the installer may take from the machine's start.
const installing = 20 * time.Minute

// innerSerial is the serial number of the disk in the bare machine.
const innerSerial = "WD-WCC4E5X1234"

// installed is a bare machine and the stick that is put into it.
type installed struct {
	*machine
	inner string // the machine's own disk
	stage string // what its log is kept as
}

// bare makes a stick for two machines, and a machine with one empty disk.
func bare(t *testing.T, name string, more ...string) *installed {
	t.Helper()
	image, programs, shots := given(t)
	m := &machine{t: t, dir: t.TempDir(), shots: filepath.Join(shots, name), agent: newAgent(t, filepath.Join(programs, "agent")), web: newSite(t), house: newSite(t)}
	m.disk = filepath.Join(m.dir, "stick.img")
	inner := filepath.Join(m.dir, "inner.img")
	for path, size := range map[string]int64{m.disk: 8 << 30, inner: 12<<30 + 512*7} {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	join := filepath.Join(m.dir, "koneet.json")
	if err := os.WriteFile(join, []byte(m.agent.forMany(2)), 0o600); err != nil {
		t.Fatal(err)
	}
	m.run(filepath.Join(programs, "provision"), append([]string{"write", image, "--to", m.disk, "--join", join, "--install", "--yes"}, more...)...)
	m.talk()
	m.drives = []string{
		"-drive", "file=" + m.disk + ",format=raw,if=none,id=s0", "-device", "usb-storage,drive=s0,id=stick,serial=STICK0001,removable=on,bootindex=0",
		"-drive", "file=" + inner + ",format=raw,if=none,id=d0", "-device", "ide-hd,drive=d0,bus=ahci.0,model=WDC WD10EZEX,serial=" + innerSerial + ",bootindex=1"}
	i := &installed{m, inner, "stick"}
	t.Cleanup(i.keepLog)
	return i
}

// keepLog keeps what the machine said since its last start.
func (i *installed) keepLog() {
	if text, err := os.ReadFile(i.serial()); err == nil {
		os.WriteFile(i.shots+"-"+i.stage+".log", text, 0o644)
	}
}

// forMany makes a code for so many machines, and a join file as the technician
// gets it.
func (a *agent) forMany(n int) string {
	a.t.Helper()
	var e struct{ Code, Pin string }
	if err := json.Unmarshal([]byte(a.says("enrol", "--site", "illusia", "--name", "Kone", "--uses", "2", "--ttl", "2h", "--json")), &e); err != nil {
		a.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"agent": "https://" + seenAt + ":8443", "pin": e.Pin, "code": e.Code, "name": "Kone", "site": "illusia", "machines": n})
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// says waits until the machine said so in its log.
func (i *installed) says(patience time.Duration, text string) {
	i.t.Helper()
	until(i.t, patience, text, func() (bool, string) {
		if i.gone() {
			i.t.Fatalf("the machine ended\n%s", i.lastWords())
		}
		log, _ := os.ReadFile(i.serial())
		return strings.Contains(string(log), text), i.lastWords()
	})
}

// agrees answers as a person does who means that disk, up to the restart.
func (i *installed) agrees(began time.Time) {
	i.t.Helper()
	i.write("1234")
	i.press("ret")
	i.says(installing, "Kirjoitetaan levylle")
	i.ready(began)
}

// ready waits for the end of the installation, reads the code off the screen as
// a phone does, pulls the stick out and waits for the restart.
func (i *installed) ready(began time.Time) {
	i.t.Helper()
	i.says(installing, "Valmis. Koneen nimi on Kone 1.")
	i.t.Logf("installed after %.0f s", time.Since(began).Seconds())
	i.says(time.Minute, "voi tehdä vielä 1 konetta")
	var all []struct{ ID string }
	_, seen := i.agent.kiosk()
	if err := json.Unmarshal([]byte(seen), &all); err != nil || len(all) != 1 {
		i.t.Fatalf("the agent knows %s", seen)
	}
	want := "https://" + seenAt + ":8443/kiosks/" + all[0].ID
	until(i.t, time.Minute, "a code on the screen", func() (bool, string) {
		i.picture("done")
		said, err := exec.Command("zbarimg", "-q", "--raw", i.shots+"-done.png").Output()
		return strings.TrimSpace(string(said)) == want, string(said) + " " + want + errorText(err)
	})
	i.ask("device_del", map[string]any{"id": "stick"})
	until(i.t, time.Minute, "the restart", func() (bool, string) { return i.gone(), i.lastWords() })
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}

// starts starts the machine from its own disk alone, up to a free kiosk.
func (i *installed) starts(f firmware, mib int) {
	i.t.Helper()
	i.keepLog()
	i.disk, i.drives, i.stage = i.inner, nil, "disk"
	began := time.Now()
	i.start(f, mib)
	i.free()
	i.t.Logf("free after %.0f s", time.Since(began).Seconds())
	i.picture("disk")
}

// From a stick and a bare machine to a kiosk that an agent calls free: a person
// is asked once and types the end of the disk's serial number.
// With YHTEISKONE_INSTALL only: it takes longer than the boot test has.
func TestInstall(t *testing.T) {
	if os.Getenv("YHTEISKONE_INSTALL") == "" {
		t.Skip("say: YHTEISKONE_INSTALL=1 make boot-test BOOT='-run TestInstall'")
	}
	t.Run("asked", func(t *testing.T) {
		i := bare(t, "install")
		began := time.Now()
		i.start(bios(), 2048)
		i.says(installing, "sarjanumero: "+innerSerial)
		t.Logf("it asks after %.0f s", time.Since(began).Seconds())
		i.picture("ask")
		i.write("9999")
		i.press("ret")
		i.says(time.Minute, "Mitään ei tyhjennetty")
		if empty(t, i.inner) != "" {
			t.Error("a wrong answer changed the disk")
		}
		i.agrees(began)
		i.starts(bios(), 2048)
	})
	t.Run("over-kiosk", func(t *testing.T) { // the machine was a kiosk before, of another agent
		i := bare(t, "over-kiosk")
		image, _, _ := given(t)
		i.run("dd", "if="+image, "of="+i.inner, "bs=4M", "conv=notrunc,sparse", "status=none")
		was := empty(t, i.inner)
		began := time.Now()
		i.start(bios(), 2048)
		i.says(installing, "sarjanumero: "+innerSerial)
		if empty(t, i.inner) != was {
			t.Error("the disk was changed before anybody answered")
		}
		i.picture("ask")
		i.agrees(began)
		i.starts(bios(), 2048)
	})
	t.Run("hands-off", func(t *testing.T) {
		i := bare(t, "hands-off", "--hands-off")
		began := time.Now()
		i.start(uefi(), 2048)
		i.says(installing, "Kirjoitetaan levylle")
		i.ready(began)
		i.starts(uefi(), 2048)
	})
}

// empty says what of a disk's beginning is not.
func empty(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, 1<<20)
	if _, err := f.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`^\x00*`).ReplaceAllString(string(head), "")
}
