package install

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/write"
)

// Without a hand a stick erases the only disk of a machine, and says how many
// are left.
func TestHandsOff(t *testing.T) {
	plan := aPlan(3)
	plan.HandsOff = true
	c := newPC(t, plan)
	c.o.Grace = 1100 * time.Millisecond
	ended := c.begin()
	c.sees("alkaa 2 sekunnin", "KATOAA KAIKKI", "WD-99887766")
	c.sees("alkaa 1 sekunnin")
	c.sees("Koneen nimi on Kone 1.", "vielä 2")
	c.pulls(ended)
	if !c.starts("a") {
		t.Error("the disk starts no machine")
	}
}

// Whoever stands there can stop it, and is asked then.
func TestHandsOffIsStopped(t *testing.T) {
	plan := aPlan(3)
	plan.HandsOff = true
	c := newPC(t, plan)
	c.o.Grace = time.Hour
	ended := c.begin()
	c.sees("alkaa 3600 sekunnin")
	c.types("")
	c.sees("...7766")
	if c.starts("a") {
		t.Error("it was not stopped")
	}
	c.types("7766")
	c.sees("Koneen nimi on Kone 1.")
	c.pulls(ended)
}

// A stick that may do it alone asks where there is any doubt.
func TestHandsOffAsksWhereThereIsDoubt(t *testing.T) {
	for name, doubt := range map[string]func(*pc, *Plan){
		"two disks": func(c *pc, _ *Plan) { c.inner("b", "8:16", "WD-11223344", innerSize) },
		"a small disk beside it": func(c *pc, _ *Plan) {
			c.inner("b", "8:16", "WD-11223344", 1_000_000)
		},
		"a kiosk's disk": func(c *pc, _ *Plan) {
			c.block("sda1", "8:1", "pci0/ataa/sda", 1<<20, map[string]string{"partition": "1"})
			c.put("run/udev/data/b8:1", "E:ID_PART_ENTRY_NAME=kiosk-data\n")
		},
		"made before": func(_ *pc, p *Plan) { p.Done = []string{"WDC WD-99887766"} },
	} {
		plan := aPlan(3)
		plan.HandsOff = true
		c := newPC(t, plan)
		doubt(c, &plan)
		text, err := plan.Text()
		if err != nil {
			t.Fatal(err)
		}
		c.put("conf/"+PlanName, string(text))
		c.begin()
		if said := c.sees("Siksi kone kysyy"); strings.Contains(said, "alkaa") || c.starts("a") || len(c.tools.enrolled) > 0 {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// One of several disks is named by its own serial number; the others stay.
func TestSeveralDisks(t *testing.T) {
	c := newPC(t, aPlan(1))
	c.inner("b", "8:16", "AB-11227766", innerSize)
	ended := c.begin()
	c.sees("1. 5 GB", "2. 5 GB", "(4)")
	c.types("7766")
	c.sees("Kaksi levyä päättyy samoin")
	c.types("27766")
	c.sees("Koneen nimi on Kone 1.")
	c.pulls(ended)
	if c.starts("a") || !c.starts("b") {
		t.Error("it is on the wrong disk")
	}
}

func TestNoDisk(t *testing.T) {
	c := newPC(t, aPlan(1))
	c.put("sys/devices/pci0/ataa/sda/size", "0")
	c.begin()
	c.sees("ei ole levyä", "paina Enter")
	c.put("sys/devices/pci0/ataa/sda/size", fmt.Sprint(innerSize/512))
	c.types("")
	c.sees("...7766")
}

func TestLook(t *testing.T) {
	stick := disk.Disk{Path: "/dev/sdz", Refused: disk.RunsFrom}
	good := disk.Disk{Path: "/dev/sda", Size: innerSize, Bus: "sata", Block: 512}
	f, err := look([]disk.Disk{good, stick,
		{Path: "/dev/usb", Size: innerSize, Bus: "usb"}, {Path: "/dev/card", Size: innerSize, Removable: true},
		{Path: "/dev/used", Size: innerSize, Refused: "it is mounted at /mnt"}, {Path: "/dev/ro", Size: innerSize, ReadOnly: true},
		{Path: "/dev/small", Size: least - 1}, {Path: "/dev/4k", Size: innerSize, Block: 4096}})
	if err != nil || f.stick.Path != "/dev/sdz" || len(f.targets) != 1 || f.targets[0].Path != "/dev/sda" || len(f.inner) != 5 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := look([]disk.Disk{good}); !errors.Is(err, errNoStick) {
		t.Error(err)
	}
	if _, err := look([]disk.Disk{stick, stick}); !errors.Is(err, errTwoSticks) {
		t.Error(err)
	}
}

// Every language says the same things, with the same names in them, and in
// letters that a bare console has.
func TestWords(t *testing.T) {
	want, err := speak("fi")
	if err != nil {
		t.Fatal(err)
	}
	names := func(text string) (all []string) {
		for _, piece := range strings.Split(text, "{")[1:] {
			name, _, _ := strings.Cut(piece, "}")
			all = append(all, name)
		}
		slices.Sort(all)
		return all
	}
	for _, lang := range languages() {
		w, err := speak(lang)
		if err != nil || len(w) != len(want) {
			t.Errorf("%s: %d sentences, %v", lang, len(w), err)
		}
		for key, text := range want {
			if w[key] == "" || !slices.Equal(names(w[key]), names(text)) {
				t.Errorf("%s: %s is %q", lang, key, w[key])
			}
			if i := strings.IndexFunc(w[key], func(r rune) bool { return r > 126 && !strings.ContainsRune("äöåÄÖÅ", r) }); i >= 0 {
				t.Errorf("%s: %s has a letter that a console may not have: %q", lang, key, w[key][i:])
			}
		}
	}
	if _, err := speak("../fi"); err == nil {
		t.Error("any file is a language")
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"yksi kaksi kolme", "yksi|kaksi|kolme"}, {"a b c d e f g h", "a b c|d e f|g h"}, {"  in set", "  in|  set"},
		{"", ""}, {"https://agent.example", "https:|//agen|t.exam|ple"}, {"  abcdefgh i", "  abcd|  efgh|  i"},
	} {
		if got := strings.Join(wrap(c.line, 6), "|"); got != c.want {
			t.Errorf("%q: %q", c.line, got)
		}
	}
}

// A code stands beside the words where there is room, and below them elsewhere.
func TestPicture(t *testing.T) {
	picture := []string{"##########", "##########"}
	for columns, want := range map[int]string{80: "\033[3;71H", 30: "word\n\033[1;37m####"} {
		var out strings.Builder
		s := &Screen{Out: &out, Size: func() (int, int) { return columns, 25 }, Note: func(string) {}}
		s.show(page{"T", []string{"word"}, picture, nil, false})
		if !strings.Contains(out.String(), want) {
			t.Errorf("%d columns: %q", columns, out.String())
		}
	}
}

func TestCheckOf(t *testing.T) {
	line := "BOOT_IMAGE=x ro kiosk.slot=A kiosk.roothash=abc kiosk.hashoffset=4096 quiet"
	args, err := checkOf(line)
	if want := "verify --hash-offset=4096 /dev/kiosk/kiosk-A /dev/kiosk/kiosk-A abc"; err != nil || strings.Join(args, " ") != want {
		t.Errorf("%v, %v", args, err)
	}
	for _, bad := range []string{"", strings.Replace(line, "slot=A", "slot=B", 1), strings.Replace(line, "kiosk.roothash=abc ", "", 1)} {
		if _, err := checkOf(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// Each failure says what to do about it.
func TestFailure(t *testing.T) {
	in := &installer{}
	in.words, _ = speak("en")
	for says, err := range map[string]error{
		"not valid any more":        fmt.Errorf("x: %w", ErrRefused),
		"Write the stick again":     stickError{errors.New("x")},
		"uses it. Erase the disk's": errTwoSticks,
		"Start the computer anew":   &disk.Problem{Code: "in_use", Text: "x"},
		"change the disk":           write.Spoiled{Problem: &disk.Problem{Code: "differs", Text: "x"}, Cause: errors.New("y")},
		"call the administrator":    errors.New("x"),
	} {
		text := strings.Join(in.failure(err), " ")
		if !strings.Contains(text, says) || strings.Contains(text, "NOT USABLE") != errors.As(err, &write.Spoiled{}) {
			t.Errorf("%v: %s", err, text)
		}
	}
}
