package browser_test

import (
	"testing"
	"time"
)

func TestBrowserPaintsUnderCurtain(t *testing.T) {
	d := newDesk(t)
	if err := d.display.Cover(); err != nil {
		t.Fatal(err)
	}
	w := d.wiper(t)
	mark, err := w.Begin()
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, d.options())
	began := time.Now()
	start(t, b, mark)
	took := time.Since(began)
	t.Logf("start -> painted %v", took)
	if took > 10*time.Second {
		t.Errorf("painted after %v, more than 10 s", took)
	}
}
