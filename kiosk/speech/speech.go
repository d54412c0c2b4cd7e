// Package speech reads a text aloud and sounds a chime, through espeak-ng and
// aplay.
//
// The words go to the voice through a pipe: they are in no argument, no
// environment, no file and no log. A new text replaces the one before. Voice
// and player have a network of their own with nothing in it, run behind the
// screen's programs, and die with the kiosk.
//
// espeak-ng, because it is the only voice that Debian 12 and 13 package for
// nearly all of our languages (not for Somali), it starts in 20 ms and takes
// text from a pipe. Festival's Finnish voice (festvox-suopuhe) speaks Finnish
// only, took 25 times the processor time for the same sentence and lacks sounds
// that Finnish needs (n-k); MBROLA's and RHVoice's voices and Piper are not
// packaged. speech-dispatcher would be one more program that holds the words.
package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// wordsPerMinute is calm; espeak-ng itself says 175.
const wordsPerMinute = "140"

// textMax is how many bytes are read aloud at most.
const textMax = 16000

// Config is how speech is set up.
type Config struct {
	// ALSA is a file in place of the system's sound settings, for machines that
	// have some of their own and for tests; empty for none.
	ALSA string
}

// Speech reads aloud. Its methods may be called from any goroutine.
type Speech struct {
	config Config
	voice  string          // espeak-ng; empty if it is not installed
	player string          // aplay; empty if it is not installed
	langs  map[string]bool // that the voice has

	mu   sync.Mutex
	said []*utterance // what is being said, last; those before it are ending
}

// New finds out what the machine can say.
func New(ctx context.Context, c Config) *Speech {
	s := &Speech{config: c, langs: map[string]bool{}}
	s.player, _ = exec.LookPath("aplay") // without it there is no sound
	voice, err := exec.LookPath("espeak-ng")
	if err != nil {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, voice, "--voices")
	cmd.Env = environment("")
	out, err := cmd.Output()
	if err != nil {
		return s
	}
	s.voice = voice
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 1 {
			s.langs[fields[1]] = true
		}
	}
	return s
}

// voiceOf is espeak-ng's name for the voice of a language.
func voiceOf(lang string) string {
	if lang == "en" {
		return "en-gb"
	}
	return lang
}

// Can reports whether the machine can read the language aloud: there are a
// voice, a player and somewhere to play.
func (s *Speech) Can(lang string) bool {
	return s.voice != "" && s.langs[voiceOf(lang)] && s.sounds()
}

// sounds reports whether there is anything to play on. Looked at each time:
// loudspeakers that come by USB come and go.
func (s *Speech) sounds() bool {
	if s.player == "" {
		return false
	}
	if s.config.ALSA != "" {
		return true
	}
	devices, _ := filepath.Glob("/dev/snd/pcmC*D*p")
	for _, d := range devices {
		const write = 2
		if syscall.Access(d, write) == nil {
			return true
		}
	}
	return false
}

// errNoVoice says that nothing can be said.
var errNoVoice = errors.New("this machine has no voice or no loudspeaker for it")

// Say reads the text aloud in place of what is being read, and returns once the
// voice has begun. An empty text silences. A chime sounds to its end.
func (s *Speech) Say(text, lang string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(false)
	text = Plain(text, lang)
	if text == "" {
		return nil
	}
	if !s.Can(lang) {
		return fmt.Errorf("read aloud in %q: %w", lang, errNoVoice)
	}
	voice := exec.Command(s.voice, "-b", "1", "-v", voiceOf(lang), "-s", wordsPerMinute, "--stdin", "--stdout")
	voice.Stdin = strings.NewReader(text)
	return s.begin(voice)
}

// Chime sounds once, unless something is being read.
func (s *Speech) Chime() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sounds() {
		return fmt.Errorf("sound the chime: %w", errNoVoice)
	}
	if slices.ContainsFunc(s.said, func(u *utterance) bool { return !u.over() }) {
		return nil
	}
	return s.begin(nil)
}

// begin starts the player, and the voice before it; without one it plays the
// chime. s.mu is held.
func (s *Speech) begin(voice *exec.Cmd) error {
	player := exec.Command(s.player, "-q", "-t", "wav", "-")
	u := &utterance{chime: voice == nil}
	if voice == nil {
		player.Stdin = bytes.NewReader(chime())
		if err := u.start(player, s.config.ALSA); err != nil {
			return fmt.Errorf("sound the chime: %w", err)
		}
		s.keep(u)
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("read aloud: %w", err)
	}
	defer r.Close() // each process has its own end
	defer w.Close()
	voice.Stdout, player.Stdin = w, r
	s.keep(u)
	for _, cmd := range []*exec.Cmd{player, voice} {
		if err := u.start(cmd, s.config.ALSA); err != nil {
			u.kill()
			return fmt.Errorf("read aloud: %w", err)
		}
	}
	return nil
}

// keep remembers the utterance until it is over. s.mu is held.
func (s *Speech) keep(u *utterance) {
	s.said = append(slices.DeleteFunc(s.said, (*utterance).over), u)
}

// stop ends what is being said, without waiting. s.mu is held.
func (s *Speech) stop(chime bool) {
	for _, u := range s.said {
		if chime || !u.chime {
			u.kill()
		}
	}
}

// Silence ends what is being said and returns when no process of it is left,
// or with an error when one is at the context's end.
func (s *Speech) Silence(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(true)
	for _, u := range s.said {
		if err := u.wait(ctx); err != nil {
			return fmt.Errorf("silence the voice: %w", err)
		}
	}
	s.said = nil
	return nil
}

// environment is all that voice and player get to know.
func environment(alsa string) []string {
	env := []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/nonexistent"}
	if alsa != "" {
		env = append(env, "ALSA_CONFIG_PATH="+alsa)
	}
	return env
}
