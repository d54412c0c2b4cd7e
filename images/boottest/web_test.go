package boottest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Where a machine sees what is not the agent. The web's network is nobody's of
// ours: nothing leaves, and the machine must take it for the world.
const (
	houseAt = "10.0.2.101"
	webNet  = "45.45.45.0/24"
	webAt   = "45.45.45.100"
	webCard = "52:54:00:ee:00:01"
)

// site is a page with a form, and what it was told.
type site struct {
	address string
	mu      sync.Mutex
	asked   []string // paths, in order
	told    []string // what forms and scripts sent
}

// page keeps what is typed wherever a page can keep something.
const page = `<!doctype html><html lang=fi><title>Koe</title><meta charset=utf-8>
<form action=/form method=post><input name=word autofocus autocomplete=on size=60 style="font-size:2em"><button>OK</button></form>
<p id=seen></p><script>
const field = document.querySelector('input'), tell = (what, text) => fetch('/' + what, {method: 'POST', body: text});
field.addEventListener('input', () => {
	const v = field.value;
	document.title = v; localStorage.setItem('word', v); sessionStorage.setItem('word', v);
	document.cookie = 'word=' + v + ';max-age=9999999'; location.hash = v;
	document.getElementById('seen').textContent = v;
});
document.addEventListener('keydown', e => tell('key', e.code));
document.addEventListener('mousedown', () => tell('mouse', ''));
addEventListener('load', () => tell('ready', ''));
const open = indexedDB.open('koe'); open.onupgradeneeded = () => open.result.createObjectStore('words');
</script>`

func newSite(t *testing.T) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{address: l.Addr().String()}
	server := &http.Server{Handler: s}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return s
}

// ServeHTTP answers every path with the page, and /file/NAME with a file.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Path)
	if r.Method == http.MethodPost {
		s.told = append(s.told, r.URL.Path+" "+string(body))
	}
	s.mu.Unlock()
	if name, ok := strings.CutPrefix(r.URL.Path, "/file/"); ok {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.bin"`)
		fmt.Fprintln(w, name)
		return
	}
	if r.URL.Path == "/card" {
		http.Redirect(w, r, "https://"+webAt+"/", http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, page)
}

// visits counts the requests for a path.
func (s *site) visits(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, asked := range s.asked {
		if asked == path {
			n++
		}
	}
	return n
}

// heard is everything that it was asked and told.
func (s *site) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.asked, s.told)
}

// introduce makes the machine take the web's network for the world: what an own
// card is on is the house's.
func (m *machine) introduce() {
	m.t.Helper()
	m.eyes.see("mkdir -p /run/systemd/network && printf '[Match]\\nMACAddress=" + webCard + "\\n[Network]\\nAddress=45.45.45.15/32\\n[Route]\\nDestination=" + webNet +
		"\\nScope=link\\n' >/run/systemd/network/05-web.network && networkctl reload && networkctl reconfigure $(grep -l " + webCard + " /sys/class/net/*/address | cut -d/ -f5)")
	until(m.t, patienceOfEyes, "the way into the web", func() (bool, string) {
		said, code := m.eyes.try("ip -4 addr; ip route; setpriv --reuid client --regid client --clear-groups bash -c 'exec 3<>/dev/tcp/" + webAt + "/80'")
		return code == "0", said
	})
}
