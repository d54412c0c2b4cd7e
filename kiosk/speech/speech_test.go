package speech

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

// voice is a Speech whose sound goes into the file.
func voice(t *testing.T, file string) *Speech {
	t.Helper()
	for _, p := range []string{"espeak-ng", "aplay"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
	settings := filepath.Join(t.TempDir(), "asound.conf")
	text := fmt.Sprintf("pcm.!default {\n type file\n slave.pcm { type null }\n file %q\n format raw\n}\n", file)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s := New(context.Background(), Config{ALSA: settings})
	t.Cleanup(func() {
		if err := s.Silence(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// samples is what was played, and how many seconds.
func samples(t *testing.T, file string) ([]byte, float64) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data, float64(len(data)) / 2 / sampleRate
}

func rms(data []byte) float64 {
	sum := 0.0
	for i := 0; i+1 < len(data); i += 2 {
		v := float64(int16(binary.LittleEndian.Uint16(data[i:])))
		sum += v * v
	}
	return math.Sqrt(sum / float64(max(1, len(data)/2)))
}

func (s *Speech) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.said {
		if !u.over() {
			return false
		}
	}
	return true
}

func TestEveryLanguageIsSpoken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sound")
	s := voice(t, file)
	heard := map[string]string{}
	for lang, text := range map[string]string{
		"fi": "Tietosi on poistettu tältä koneelta.", "sv": "Dina uppgifter har tagits bort från datorn.",
		"en": "Your data has been erased from this computer.", "ru": "Ваши данные удалены с этого компьютера.",
		"uk": "Ваші дані видалено з цього комп'ютера.", "et": "Sinu andmed on sellest arvutist kustutatud.",
		"ar": "تم حذف بياناتك من هذا الجهاز.", "fa": "اطلاعات شما از این رایانه پاک شد.",
	} {
		if !s.Can(lang) {
			t.Errorf("cannot speak %s", lang)
			continue
		}
		if err := s.Say(text, lang); err != nil {
			t.Fatal(err)
		}
		await(t, "the end of "+lang, s.quiet)
		data, seconds := samples(t, file)
		if seconds < 1.2 || seconds > 12 {
			t.Errorf("%s took %.1f s", lang, seconds)
		}
		if loud := rms(data); loud < 300 {
			t.Errorf("%s is silence: %f", lang, loud)
		}
		heard[lang] = string(data)
	}
	// The same words sound different in another language.
	var same []string
	for _, lang := range []string{"fi", "sv"} {
		if err := s.Say("Kela auttaa asioinnissa", lang); err != nil {
			t.Fatal(err)
		}
		await(t, "the end", s.quiet)
		data, _ := samples(t, file)
		same = append(same, string(data))
	}
	if same[0] == same[1] {
		t.Error("Finnish and Swedish sound alike")
	}
	if s.Can("so") || s.Can("xx") {
		t.Error("speaks a language that no voice has")
	}
	if err := s.Say("x", "xx"); err == nil {
		t.Error("no error for a language without a voice")
	}
}

// processes are all that have the text in their arguments or environment, and
// all that we started.
func processes(t *testing.T, text string) (telling, ours []int) {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		line, _ := os.ReadFile(dir + "/cmdline")
		env, _ := os.ReadFile(dir + "/environ")
		if bytes.Contains(line, []byte(text)) || bytes.Contains(env, []byte(text)) {
			telling = append(telling, pid)
		}
		stat, _ := os.ReadFile(dir + "/status")
		if bytes.Contains(stat, fmt.Appendf(nil, "\nPPid:\t%d\n", os.Getpid())) {
			ours = append(ours, pid)
		}
	}
	return telling, ours
}

func TestSilenceLeavesNothing(t *testing.T) {
	// A pipe that nobody empties is a loudspeaker that takes its time.
	file := filepath.Join(t.TempDir(), "sound")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s := voice(t, file)
	before, _ := filepath.Glob(os.TempDir() + "/*")
	const word = "salaisuuteni"
	for range 3 { // each replaces the one before
		if err := s.Say(strings.Repeat("Tämä on "+word+". ", 200), "fi"); err != nil {
			t.Fatal(err)
		}
	}
	var ours []int
	await(t, "voice and player alone", func() bool { _, ours = processes(t, word); return len(ours) == 2 })
	if telling, _ := processes(t, word); len(telling) != 0 {
		t.Errorf("processes %v tell what is said", telling)
	}
	own, _ := os.Readlink("/proc/self/ns/net")
	for _, pid := range ours {
		dir := "/proc/" + strconv.Itoa(pid)
		await(t, "the program to start", func() bool {
			name, _ := os.ReadFile(dir + "/comm")
			return string(name) == "aplay\n" || string(name) == "espeak-ng\n"
		})
		if net, err := os.Readlink(dir + "/ns/net"); err != nil || net == own {
			t.Errorf("process %d is on the network: %s, %v", pid, net, err)
		}
		if nice, err := syscall.Getpriority(syscall.PRIO_PROCESS, pid); err != nil || 20-nice < niceness {
			t.Errorf("process %d: niceness %d, %v", pid, 20-nice, err)
		}
		env, _ := os.ReadFile(dir + "/environ")
		if bytes.Contains(env, []byte("DISPLAY")) || bytes.Contains(env, []byte("USER=")) {
			t.Errorf("process %d knows %q", pid, env)
		}
	}
	if err := s.Chime(); err != nil {
		t.Fatal(err)
	}
	if _, now := processes(t, word); len(now) != 2 {
		t.Errorf("the chime sounds into the words: %d processes", len(now))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	began := time.Now()
	if err := s.Silence(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("silent after %v", time.Since(began))
	if _, ours := processes(t, word); len(ours) != 0 {
		t.Errorf("processes %v are left", ours)
	}
	if after, _ := filepath.Glob(os.TempDir() + "/*"); len(after) > len(before)+2 { // others work there too
		t.Errorf("files are left: %v", after)
	}
	if err := s.Say("", "fi"); err != nil { // silence is always possible
		t.Error(err)
	}
}

func TestChime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sound")
	s := voice(t, file)
	if err := s.Chime(); err != nil {
		t.Fatal(err)
	}
	await(t, "the end", s.quiet)
	data, seconds := samples(t, file)
	if seconds < 0.7 || seconds > 1.5 || rms(data) < 300 {
		t.Errorf("the chime takes %.2f s at %f", seconds, rms(data))
	}
	// It is not cut off by the words after it.
	if err := s.Chime(); err != nil {
		t.Fatal(err)
	}
	if err := s.Say("Hei", "fi"); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	first := s.said[0]
	s.mu.Unlock()
	await(t, "the end of both", s.quiet)
	if state := first.parts[0].cmd.ProcessState; !first.chime || !state.Success() {
		t.Errorf("the chime ended by %v", state)
	}
	// Two tones: how often the wave crosses zero is not the same in both.
	cross := func(d []byte) (n int) {
		for i := 2; i+1 < len(d); i += 2 {
			if (int16(binary.LittleEndian.Uint16(d[i:])) < 0) != (int16(binary.LittleEndian.Uint16(d[i-2:])) < 0) {
				n++
			}
		}
		return n
	}
	if a, b := cross(data[:len(data)/2]), cross(data[len(data)/2:]); a < b*5/4 {
		t.Errorf("the tones cross zero %d and %d times", a, b)
	}
}

func TestWithoutLoudspeaker(t *testing.T) {
	if found, _ := filepath.Glob("/dev/snd/pcmC*D*p"); len(found) > 0 {
		t.Skip("this machine has one")
	}
	s := New(context.Background(), Config{})
	if s.Can("fi") {
		t.Error("speaks without anything to play on")
	}
	if err := s.Say("Hei", "fi"); err == nil {
		t.Error("no error")
	}
	if err := s.Chime(); err == nil {
		t.Error("no error of the chime")
	}
	if err := s.Silence(context.Background()); err != nil {
		t.Error(err)
	}
}

// A kiosk that is killed takes its voice along.
func TestDiesWithTheKiosk(t *testing.T) {
	const talker = "YHTEISKONE_TEST_TALKER"
	if settings := os.Getenv(talker); settings != "" {
		s := New(context.Background(), Config{ALSA: settings})
		if err := s.Say(strings.Repeat("Puhun pitkään. ", 500), "fi"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, ours := processes(t, "Puhun")
		fmt.Println(ours)
		select {}
	}
	file := filepath.Join(t.TempDir(), "sound")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s := voice(t, file)
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiesWithTheKiosk$")
	cmd.Env = append(os.Environ(), talker+"="+s.config.ALSA)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(strings.Trim(strings.TrimSpace(string(line[:n])), "[]"))
	if len(pids) != 2 {
		t.Fatalf("it started %q", line[:n])
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, pid := range pids {
		await(t, "process "+pid+" to die", func() bool {
			stat, err := os.ReadFile("/proc/" + pid + "/stat")
			return err != nil || bytes.Contains(stat, []byte(") Z "))
		})
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct{ lang, in, want string }{
		{"fi", "Avaamme klo 12.41.", "Avaamme kello 12 41."},
		{"fi", "klo 9.00–15.30", "kello 9 viiva 15 30"},
		{"fi", "vielä 10 min, kiitos", "vielä 10 minuuttia, kiitos"},
		{"fi", "22.11.2026", "22.11.2026"},
		{"fi", "Soita 09 3101 234", "Soita 0 9, 3 1 0 1, 2 3 4"},
		{"fi", "+358 40 1234567", "+ 3 5 8, 4 0, 1 2 3 4 5 6 7"},
		{"fi", "viite 12345678", "viite 1 2 3 4 5 6 7 8"},
		{"sv", "kl. 13–15", "klockan 13 till 15"},
		{"en", "open 9:05", "open 9 0 5"},
		{"ru", "13–15", "13, 15"},
		{"fi", "[[a'a]] <b>x</b>\x00\u00a0y", "a'a b x /b y"},
		{"fi", "ensin\n\nsitten", "ensin\n\nsitten"},
		{"fi", " \n ", ""},
		{"fi", "a\xffb", "a b"},
	} {
		if got := strings.Join(strings.FieldsFunc(Plain(c.in, c.lang), func(r rune) bool { return r == ' ' }), " "); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.lang, c.in, got, c.want)
		}
	}
	if got := Plain(strings.Repeat("ä", textMax), "fi"); len(got) != textMax {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("klo 12.41 [[x]] 0401234567 \xff", "fi")
	f.Fuzz(func(t *testing.T, text, lang string) {
		got := Plain(text, lang)
		if strings.Contains(got, "[[") || strings.ContainsAny(got, "<>\x00") {
			t.Errorf("%q", got)
		}
	})
}
