package e2e

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// filled is how much memory the page takes for itself, and how much it saves as
// a download.
const filled, saved = 128 << 20, 64 << 20

// A page that makes a pattern out of a word that it was given: the pattern
// itself never goes over any wire.
const fillingPage = `<!doctype html><meta charset="utf-8"><title>muisti</title><p>muisti</p><script>
(async () => {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(%q)));
  const tag = new TextEncoder().encode(Array.from(hash, b => b.toString(16).padStart(2, '0')).join(''));
  const all = new Uint8Array(%d);
  all.set(tag);
  for (let n = tag.length; n < all.length; n *= 2) all.copyWithin(n, 0, Math.min(n, all.length - n));
  window.kept = all;
  const a = document.createElement('a');
  a.href = URL.createObjectURL(new Blob([all.subarray(0, %d)]));
  a.download = 'muisti.bin';
  document.body.append(a);
  a.click();
  await fetch('/filled', {method: 'POST'});
})().catch(e => fetch('/failed', {method: 'POST', body: String(e)}));
</script>`

// What a page put into memory is gone with the session: the sandbox's file
// systems, the shared memory, and every copy in a process of ours.
func TestBrowserMemoryIsGivenBack(t *testing.T) {
	seed := make([]byte, 16)
	rand.Read(seed)
	word := hex.EncodeToString(seed)
	sum := sha256.Sum256([]byte(word))
	tag := []byte(hex.EncodeToString(sum[:]))
	said := make(chan string, 10)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			text, _ := bufio.NewReader(r.Body).ReadString(0)
			said <- r.URL.Path + " " + text
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, fillingPage, word, filled, saved)
	}))
	t.Cleanup(site.Close)
	home := strings.Replace(site.URL, "127.0.0.1", "muisti.localhost", 1)
	p := open(t, rig.KioskOptions{Home: home + "/", Reach: []string{strings.TrimPrefix(site.URL, "http://")}})
	seq := p.kiosk.In(60*time.Second, fleet.Ready).Proof.Seq
	before := shmem(t)
	p.kiosk.Press(rig.TileBank)
	select {
	case s := <-said:
		if !strings.HasPrefix(s, "/filled") {
			t.Fatalf("the page could not fill its memory: %s", s)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("the page says nothing")
	}
	// The search works: the pattern is in the page's process.
	in := p.search(tag)
	most, reads := 0, int64(0)
	for _, s := range in {
		most, reads = max(most, s.Found[0]), reads+s.Read
	}
	t.Logf("in the session: %d processes, %d MiB searched; the pattern is up to %d times in one of them", len(in), reads>>20, most)
	if want := filled / len(tag); most < want*9/10 {
		t.Fatalf("the search finds the pattern %d times in a process, not about %d: it would show nothing", most, want)
	}
	downloaded := int64(0)
	p.Until(30*time.Second, "the download is in the sandbox's memory", func() (bool, string) {
		downloaded = used(p.kiosk.Browser(), downloads)
		return downloaded >= saved, fmt.Sprint(downloaded)
	})
	during := shmem(t)

	p.kiosk.End()
	p.kiosk.Wiped(25*time.Second, seq)
	after := int64(0)
	p.Until(30*time.Second, "the shared memory is given back", func() (bool, string) {
		after = shmem(t)
		return during-after >= saved*3/4, fmt.Sprintf("before %d MiB, in the session %d, after %d", before>>20, during>>20, after>>20)
	})
	fresh := used(p.kiosk.Browser(), downloads)
	t.Logf("the sandbox's home: %d MiB in the session, %d MiB in the next one; shared memory of the machine: %d MiB before, %d MiB in the session, %d MiB after",
		downloaded>>20, fresh>>20, before>>20, during>>20, after>>20)
	if fresh < 0 || fresh > saved/2 {
		t.Errorf("the next session's home holds %d bytes", fresh)
	}
	in = p.search(tag, []byte(word))
	if len(in) < 4 {
		t.Errorf("only %d processes could be searched", len(in))
	}
	reads = 0
	for name, s := range in {
		reads += s.Read
		if s.Found[0] > 0 {
			t.Errorf("%s holds the pattern %d times", name, s.Found[0])
		}
		if s.Found[1] > 0 {
			t.Logf("%s holds the page's word %d times: it went through there", name, s.Found[1])
		}
	}
	t.Logf("after the session: %d processes, %d MiB searched, the pattern is in none", len(in), reads>>20)
}

// search searches the memory of everything of the kiosk that lets us: the kiosk
// itself, its shell, its window manager, the next client's browser, and the X
// server.
func (p *place) search(needles ...[]byte) map[string]rig.InMemory {
	p.Helper()
	all := map[string]rig.InMemory{}
	look := func(pid int, name string) {
		s, err := rig.SearchMemory(pid, needles...)
		if err != nil {
			p.Logf("not searched: %s %d: %v", name, pid, err)
			return
		}
		all[fmt.Sprint(name, " ", pid)] = s
	}
	look(p.kiosk.Pid(), "kiosk")
	look(p.display.Server.Pid(), "X server")
	for _, f := range rig.Under(p.kiosk.Pid()) {
		look(f.Pid, f.Name)
	}
	return all
}

// shmem is how much shared memory the machine uses, in bytes.
func shmem(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Shmem:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the kernel does not say how much shared memory there is")
	return 0
}

// used is how much of the file system around a folder of the session is in use,
// -1 while that cannot be told.
func used(pid int, folder string) int64 {
	var fs unix.Statfs_t
	if pid == 0 || unix.Statfs(fmt.Sprintf("/proc/%d/root%s", pid, folder), &fs) != nil {
		return -1
	}
	return int64(fs.Blocks-fs.Bfree) * int64(fs.Bsize)
}

// A real print server: what a session printed is on the paper and nowhere else.
func TestBrowserPrintsAndLeavesNoJob(t *testing.T) {
	const title, words = "vuokrasopimus ", "asiakkaan oma teksti "
	var mark [8]byte
	rand.Read(mark[:])
	marker := hex.EncodeToString(mark[:])
	said := make(chan string, 10)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			said <- r.URL.Path
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><meta charset="utf-8"><title>%s%s</title><h1>%s%s</h1><script>
addEventListener('afterprint', () => fetch('/printed', {method: 'POST'}));
addEventListener('load', () => setTimeout(() => { fetch('/asked', {method: 'POST'}); print(); }, 500));
</script>`, title, marker, words, marker)
	}))
	t.Cleanup(site.Close)

	w := rig.New(t)
	p := &place{World: w, town: openTown(t)}
	p.agent = p.NewAgent()
	p.display = p.NewDisplay()
	// In the kiosk's own folder, because that is what a kiosk that is alone sees.
	printer := rig.OpenPrinter(t, w.Path("kiosk", "cups"), false)
	home := strings.Replace(site.URL, "127.0.0.1", "paperi.localhost", 1)
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{Alone: true, Home: home + "/",
		Reach: []string{strings.TrimPrefix(site.URL, "http://")},
		Wipe:  fmt.Sprintf("allow = [%q]\n[print]\nsocket = %q\nspool = %q\nlogs = %q\n", w.Path("kiosk", "cups"), printer.Socket, printer.Spool, printer.Logs)})
	p.kiosk.Begin()
	seq := p.kiosk.In(60*time.Second, fleet.Ready).Proof.Seq
	p.kiosk.Press(rig.TileBank)
	select {
	case <-said:
	case <-time.After(30 * time.Second):
		t.Fatal("the page does not come")
	}
	// The preview takes its time; Enter prints.
	var paper []byte
	p.until(40*time.Second, "the browser prints", func() (bool, string) {
		if paper, _ = os.ReadFile(printer.Paper); bytes.Contains(paper, []byte("%%EOF")) {
			return true, ""
		}
		p.do(p.display.Key(p.Ctx, "Return"))
		return false, fmt.Sprint("jobs: ", printer.Jobs())
	})
	if !bytes.HasPrefix(paper, []byte("%PDF-")) {
		t.Errorf("the browser's paper begins with %.8q", paper)
	}
	// And somebody's own program, as the kiosk's user: one job is done, one waits.
	doc := w.Write("doc", words+marker)
	printer.Print(title+marker, doc)
	printer.Stop()
	printer.Print(title+marker, doc)
	if jobs := printer.Jobs(); len(jobs) < 3 {
		t.Fatalf("the server has the jobs %q", jobs)
	}
	t.Logf("the paper has %d bytes and begins with %.8q; jobs before the end: %d", len(paper), paper, len(printer.Jobs()))

	p.kiosk.End()
	p.kiosk.Wiped(25*time.Second, seq)
	if jobs := printer.Jobs(); len(jobs) > 0 {
		t.Errorf("the server still has the jobs %q", jobs)
	}
	err := filepath.WalkDir(w.Path("kiosk", "cups"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == printer.Paper || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(marker)) {
			t.Errorf("%s holds the session's words", path)
		}
		if name := d.Name(); filepath.Dir(path) == printer.Spool && (name[0] == 'c' || name[0] == 'd') {
			t.Errorf("%s is still in the spool", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
