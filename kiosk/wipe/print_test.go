package wipe

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
)

const (
	title    = "vuokrasopimus-otsikko"
	document = "asiakkaan-paperin-teksti"
)

// spooled are the job files in the spool.
func spooled(t *testing.T, p *rig.Printer) []string {
	t.Helper()
	all, err := os.ReadDir(p.Spool)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		if isSpooled(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// With a real print server: what is being printed and what was printed is
// purged with its files, whether or not it is still of interest to the server.
func TestPrinting(t *testing.T) {
	m := newMachine(t)
	p := rig.OpenPrinter(t, filepath.Join(m.system, "cups"), true)
	w := m.wiper(func(c *Config) {
		c.Print = Print{Socket: p.Socket, Spool: p.Spool, Logs: p.Logs, Users: []string{userName(t)}}
	})
	doc := filepath.Join(m.own, "doc")
	m.write(doc, document)
	mark := m.begin(w)
	looks := w.Wipe(t.Context(), mark)
	if l := find(t, looks, LookPrintJobs); l.Found != 0 || l.Failed || l.Looked != 1 {
		t.Errorf("an empty queue: %+v", l)
	}
	if n, err := Printers(t.Context(), p.Socket); n != 1 || err != nil {
		t.Errorf("the server says that it has %d printers, %v", n, err)
	}
	if n, err := Printers(t.Context(), p.Socket+"x"); err == nil {
		t.Errorf("no server says that it has %d printers", n)
	}
	p.Print(title, doc)
	t.Cleanup(func() {
		if t.Failed() {
			b, _ := os.ReadFile(filepath.Join(p.Logs, "error_log"))
			t.Logf("%s", b[max(0, len(b)-3000):])
		}
	})
	await(t, "the paper", func() bool {
		b, err := os.ReadFile(p.Paper)
		return err == nil && bytes.Contains(b, []byte(document))
	})
	p.Stop()
	p.Print(title+"2", doc)
	if jobs := p.Jobs(); len(jobs) != 2 {
		t.Fatalf("the server has the jobs %q", jobs)
	}
	p.Slow()
	p.Start()
	await(t, "the second job's turn", func() bool {
		jobs, err := printServer{p.Socket}.jobs(t.Context(), "client")
		return err == nil && slices.ContainsFunc(jobs, func(j job) bool { return j.state == 5 })
	})
	if files := spooled(t, p); len(files) < 2 {
		t.Fatalf("the spool holds %q", files)
	}
	began := time.Now()
	looks = w.Wipe(t.Context(), mark)
	t.Logf("two jobs purged in %v", time.Since(began))
	if l := find(t, looks, LookPrintJobs); l.Found != 0 || l.Failed || l.Looked != 3 {
		t.Errorf("after the purge: %+v", l)
	}
	if l := find(t, looks, LookPrintFiles); l.Found != 0 || l.Failed {
		t.Errorf("the spool: %+v", l)
	}
	if jobs, files := p.Jobs(), spooled(t, p); len(jobs) != 0 || len(files) != 0 {
		t.Errorf("the server still has the jobs %q and the files %q", jobs, files)
	}
	// This server logs titles: Debian's does not.
	if l := find(t, looks, LookPrintLogs); l.Found != 2 || l.Failed {
		t.Errorf("the logs: %+v", l)
	}
	for _, name := range []string{"page_log", "error_log"} {
		if b, err := os.ReadFile(filepath.Join(p.Logs, name)); err != nil || strings.Contains(string(b), title) {
			t.Errorf("%s still holds the title (%v)", name, err)
		}
	}
	if l := find(t, w.Wipe(t.Context(), mark), LookPrintLogs); l.Found != 0 {
		t.Errorf("the logs after that: %+v", l)
	}
}

// A job that the server does not let go fails the proof.
func TestPrintJobThatStays(t *testing.T) {
	m := newMachine(t)
	p := rig.OpenPrinter(t, filepath.Join(m.system, "cups"), true)
	w := m.wiper(func(c *Config) {
		c.Print = Print{Socket: p.Socket, Spool: p.Spool, Logs: p.Logs, Users: []string{"somebody-else"}}
	})
	doc := filepath.Join(m.own, "doc")
	m.write(doc, document)
	mark := m.begin(w)
	p.Stop()
	p.Print(title, doc)
	looks := w.Wipe(t.Context(), mark)
	if l := find(t, looks, LookPrintJobs); l.Found != 1 {
		t.Errorf("a job of somebody else: %+v", l)
	}
	if l := find(t, looks, LookPrintFiles); l.Found == 0 {
		t.Errorf("its file: %+v", l)
	}
	// On a person's own machine it is theirs.
	w = m.wiper(func(c *Config) {
		c.SharedUser, c.Print = true, Print{Socket: p.Socket, Spool: p.Spool, Logs: p.Logs, Users: []string{userName(t)}}
	})
	p.Print(title, doc)
	for _, l := range w.Wipe(t.Context(), mark) {
		if strings.HasPrefix(l.At, "print_") && (l.Found != 0 || l.Failed) {
			t.Errorf("shared: %+v", l)
		}
	}
	if jobs := p.Jobs(); len(jobs) != 2 {
		t.Errorf("a person's jobs are gone: %q", jobs)
	}
	// A sandbox's on that machine is not.
	if ok, err := (printServer{p.Socket}).purge(t.Context(), 2, "client"); ok || err != nil {
		t.Errorf("somebody else purged a person's job: %v %v", ok, err)
	}
	p.PrintAs("client", title, doc)
	if l := find(t, w.Wipe(t.Context(), mark), LookPrintJobs); l.Looked != 2 || l.Found != 0 || l.Failed {
		t.Errorf("shared, a sandbox's job: %+v", l)
	}
	if jobs := p.Jobs(); len(jobs) != 2 {
		t.Errorf("the jobs are %q, want the person's two", jobs)
	}
	p.Close()
	if l := find(t, w.Wipe(t.Context(), mark), LookPrintJobs); l.Found != 0 || l.Failed || l.Looked != 0 {
		t.Errorf("a server that does not run: %+v", l)
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	end := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s does not come", what)
		}
	}
}

func TestParseJobs(t *testing.T) {
	r := newRequest(ippGetJobs, "x")
	good := append([]byte{2, 0, 0, 0, 0, 0, 0, 1}, r.Bytes()[8:]...)
	for _, id := range []byte{7, 9} {
		b := &request{}
		b.WriteByte(tagJob)
		b.attribute(tagInteger, "job-id", []byte{0, 0, 1, id})
		b.attribute(tagInteger, "time-at-creation", []byte{0x60, 0, 0, 0})
		b.attribute(tagName, "job-originating-user-name", []byte("unknown"))
		good = append(good, b.Bytes()...)
	}
	good = append(good, tagEnd)
	status, jobs, err := parseJobs(good)
	want := []job{{id: 0x107, created: 0x60000000, owner: "unknown"}, {id: 0x109, created: 0x60000000, owner: "unknown"}}
	if err != nil || status != 0 || !slices.Equal(jobs, want) {
		t.Errorf("%d %+v %v", status, jobs, err)
	}
	for n := range len(good) {
		if _, _, err := parseJobs(good[:n]); err == nil {
			t.Fatalf("%d of %d bytes were read as an answer", n, len(good))
		}
	}
	for _, bad := range []string{"", "HTTP/1.0 401 Unauthorized\r\n\r\nx", "HTTP/1.0 200 OK\r\n", "nonsense\r\n\r\n"} {
		if _, err := httpBody([]byte(bad)); err == nil {
			t.Errorf("%q was taken for an answer", bad)
		}
	}
}

func FuzzParseJobs(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 1, tagJob, tagInteger, 0, 6, 'j', 'o', 'b', '-', 'i', 'd', 0, 4, 0, 0, 0, 1, tagEnd})
	f.Add([]byte{2, 0, 4, 6, 0, 0, 0, 1, tagEnd})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, jobs, err := parseJobs(b); err != nil && len(jobs) > 0 {
			t.Error("an answer that is none has jobs")
		}
	})
}
