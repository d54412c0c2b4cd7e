package lan

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const aMAC = "52:54:00:77:00:01"

var sum = strings.Repeat("ab", 32)

func TestLine(t *testing.T) {
	words := strings.NewReplacer("${netX/mac}", aMAC, "${netX/ip}", "10.1.2.50", "${netX/netmask}", "255.255.255.0").Replace(Words("http://10.1.2.3:8080", sum))
	l, ok, err := ReadLine("boot=kiosk ro " + words + " quiet\n")
	if err != nil || !ok || l.From != "http://10.1.2.3:8080" || l.List != sum || l.MAC != aMAC || l.Net.String() != "10.1.2.50/24" {
		t.Errorf("%+v, %v, %v", l, ok, err)
	}
	if _, ok, err := ReadLine("boot=kiosk kiosk.slot=A"); ok || err != nil {
		t.Errorf("a disk's start is one over the network: %v", err)
	}
	for _, wrong := range []string{
		"kiosk.from=http://10.1.2.3:8080",
		"kiosk.from=https://10.1.2.3 kiosk.list=" + sum + " kiosk.net=" + aMAC + ",10.1.2.50,255.255.255.0",
		"kiosk.from=http://10.1.2.3/path kiosk.list=" + sum + " kiosk.net=" + aMAC + ",10.1.2.50,255.255.255.0",
		strings.Replace(words, "255.255.255.0", "255.0.255.0", 1),
		strings.Replace(words, "10.1.2.50", "fe80::1", 1),
		strings.Replace(words, aMAC, "52:54", 1),
		strings.Replace(words, ",255.255.255.0", "", 1),
		strings.Replace(words, sum, "ab", 1),
	} {
		if _, ok, err := ReadLine(wrong); err == nil || !ok {
			t.Errorf("%s is taken for a line", wrong)
		}
	}
}

func TestReport(t *testing.T) {
	r, err := DecodeReport(strings.NewReader(`{"mac":"52-54-00-77-00-01","step":"failed","percent":7,"why":"a\nb\u0007 <b>\u001b[2J` + strings.Repeat("ä", 500) + `"}`))
	if err != nil || r.MAC != aMAC || !strings.HasPrefix(r.Why, "a b <b> [2Jä") || len([]rune(r.Why)) != textLimit {
		t.Errorf("%+v, %v", r, err)
	}
	for _, wrong := range []string{"", "{}", `{"mac":"x","step":"done"}`, `{"mac":"` + aMAC + `","step":"gone"}`, `{"mac":"` + aMAC + `","step":"done","percent":101}`,
		`{"mac":"` + aMAC + `","step":"done","percent":-1}`, `{"mac":"` + aMAC + `","step":"done","more":1}`, `{"mac":"` + aMAC + `","step":"done"}{}`,
		`{"mac":"` + aMAC + `","step":"done","why":"` + strings.Repeat("x", ReportLimit) + `"}`} {
		if _, err := DecodeReport(strings.NewReader(wrong)); err == nil {
			t.Errorf("%.60s is taken for a report", wrong)
		}
	}
}

func TestList(t *testing.T) {
	text := func(l List) []byte {
		raw, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := List{Size: 100, Pieces: []Piece{{0, 10, sum}, {10, 5, sum}, {99, 1, sum}}}
	if l, err := DecodeList(text(good)); err != nil || l.Total() != 16 {
		t.Errorf("%+v, %v", l, err)
	}
	for name, l := range map[string]List{
		"empty":    {Size: 100},
		"outside":  {Size: 100, Pieces: []Piece{{99, 2, sum}}},
		"negative": {Size: 100, Pieces: []Piece{{-1, 2, sum}}},
		"nothing":  {Size: 100, Pieces: []Piece{{1, 0, sum}}},
		"overlap":  {Size: 100, Pieces: []Piece{{0, 10, sum}, {9, 2, sum}}},
		"long":     {Size: 1 << 40, Pieces: []Piece{{0, Longest + 1, sum}}},
		"no sum":   {Size: 100, Pieces: []Piece{{0, 10, "ab"}}},
		"overflow": {Size: 100, Pieces: []Piece{{1<<63 - 1, 1, sum}}},
	} {
		if _, err := DecodeList(text(l)); err == nil {
			t.Errorf("%s: taken for a list", name)
		}
	}
}

// The newest report arrives, whatever the server did before.
func TestOffice(t *testing.T) {
	var asked atomic.Int32
	heard := make(chan Report, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		p, err := DecodeReport(r.Body)
		if err != nil || r.URL.Path != ProgressPath {
			t.Errorf("%s: %v", r.URL, err)
		}
		heard <- p
	}))
	defer s.Close()
	o := NewOffice(Line{From: s.URL, MAC: aMAC}, s.Client())
	o.tick = 10 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o.Tell(Report{Step: Asking, Disk: "1 TB WDC", About: "HP 8200"})
	o.Tell(Report{Step: Done, Name: "Kone 1"})
	short, end := context.WithTimeout(t.Context(), 30*time.Millisecond)
	if err := o.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody has sent it: %v", err)
	}
	end()
	go o.Run(ctx)
	if err := o.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != (Report{MAC: aMAC, Step: Done, Name: "Kone 1", Disk: "1 TB WDC", About: "HP 8200"}) {
		t.Errorf("%+v", got)
	}
}

func FuzzReport(f *testing.F) {
	f.Add(`{"mac":"52:54:00:77:00:01","step":"failed","percent":7,"why":"a"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := DecodeReport(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > ReportLimit*2 || strings.ContainsAny(r.Why+r.Name+r.About+r.Disk, "\n\r\x1b\x00") {
			t.Errorf("%q", again)
		}
	})
}

func FuzzList(f *testing.F) {
	f.Add(`{"size":100,"pieces":[{"at":0,"size":10,"sha256":"` + sum + `"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := DecodeList([]byte(text))
		if err != nil {
			return
		}
		for _, p := range l.Pieces {
			if p.At < 0 || p.Size < 1 || p.At+p.Size > l.Size || p.At+p.Size < 0 {
				t.Errorf("%+v", l)
			}
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add("kiosk.from=http://10.1.2.3:8080 kiosk.list=" + sum + " kiosk.net=" + aMAC + ",10.1.2.50,255.255.255.0")
	f.Fuzz(func(t *testing.T, text string) {
		if l, ok, err := ReadLine(text); ok && err == nil && (!l.Net.IsValid() || !strings.HasPrefix(l.From, "http://")) {
			t.Errorf("%+v", l)
		}
	})
}
