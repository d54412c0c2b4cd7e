package browser_test

import (
	"testing"
	"time"
)

// Whoever asks a window for a long while gets an answer, trusted or not.
func TestBrowserAnswers(t *testing.T) {
	for name, trusted := range map[string]bool{"trusted": true, "untrusted": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			o := d.options()
			if !trusted {
				o.Untrusted = d.display.UntrustedCookie
			}
			r := start(t, newBrowser(t, o), begin(t, d.wiper(t)))
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			for end := time.Now().Add(12 * time.Second); time.Now().Before(end); <-tick.C {
				if l := r.Look(); !l.Answers {
					t.Fatalf("%+v", l)
				}
			}
		})
	}
}
