package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"yhteiskone/provision/lan"
)

// web answers machines and people.
type web struct {
	from     string // its own address, http://...
	content  *content
	machines *machines
	pages    *pages
}

func (w *web) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.page)
	mux.HandleFunc("GET /machines.json", w.listing)
	mux.HandleFunc("GET "+bootPath, w.boot)
	mux.HandleFunc("GET /machine.ipxe", w.script)
	mux.HandleFunc("GET /list", func(out http.ResponseWriter, r *http.Request) { give(out, r, w.content.listed) })
	mux.HandleFunc("GET /pieces/{n}", w.piece)
	mux.HandleFunc("GET /plan", w.plan)
	mux.HandleFunc("POST "+lan.ProgressPath, w.progress)
	for _, name := range []string{kernelFile, stageFile, netFile} {
		mux.HandleFunc("GET /"+name, func(out http.ResponseWriter, r *http.Request) { give(out, r, w.content.files[name]) })
	}
	return mux
}

func give(out http.ResponseWriter, r *http.Request, text []byte) {
	out.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(out, r, "", time.Time{}, bytes.NewReader(text))
}

// bootPath is the address that network cards are told.
const bootPath = "/boot.ipxe"

// boot has iPXE ask again, and say which machine it is.
func (w *web) boot(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(out, "#!ipxe\nchain --replace %s/machine.ipxe?mac=${netX/mac:hexhyp}&maker=${manufacturer:uristring}&model=${product:uristring}\n", w.from)
}

// script is what one machine does: start the installer, or go on to its disk.
func (w *web) script(out http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	mac, err := lan.MAC(q.Get("mac"))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	ok, why := w.machines.starts(mac, lan.Plain(q.Get("maker")+" "+q.Get("model")))
	if !ok {
		fmt.Fprintf(out, "#!ipxe\necho Yhteiskone: %s. It starts from its disk.\nsleep 3\nexit\n", why)
		return
	}
	fmt.Fprintf(out, `#!ipxe
echo Yhteiskone: asennus verkosta / installation over the network
kernel %[1]s/%[2]s initrd=%[3]s initrd=%[4]s %[5]s %[6]s || goto failed
initrd --name %[3]s %[1]s/%[3]s || goto failed
initrd --name %[4]s %[1]s/%[4]s || goto failed
boot || goto failed
:failed
echo Yhteiskone: ei onnistunut, yritetaan uudelleen / that failed and is tried again
sleep 20
reboot
`, w.from, kernelFile, stageFile, netFile, w.content.line, lan.Words(w.from, w.content.sum))
}

func (w *web) piece(out http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(w.content.list.Pieces) {
		http.NotFound(out, r)
		return
	}
	p := w.content.list.Pieces[n]
	out.Header().Set("Content-Type", "application/octet-stream")
	out.Header().Set("Content-Length", strconv.FormatInt(p.Size, 10))
	io.Copy(out, io.NewSectionReader(w.content.image, p.At, p.Size)) // what is cut off is fetched again
}

func (w *web) plan(out http.ResponseWriter, r *http.Request) {
	mac, err := lan.MAC(r.URL.Query().Get("mac"))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	plan := w.machines.plan(mac)
	if plan == nil {
		http.Error(out, "no machine with this card is being installed", http.StatusForbidden)
		return
	}
	out.Header().Set("Cache-Control", "no-store")
	give(out, r, plan)
}

func (w *web) progress(out http.ResponseWriter, r *http.Request) {
	report, err := lan.DecodeReport(r.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	if !w.machines.tell(report) {
		http.Error(out, "no machine with this card is being installed", http.StatusForbidden)
		return
	}
	out.WriteHeader(http.StatusNoContent)
}

func (w *web) page(out http.ResponseWriter, r *http.Request) {
	lang := r.URL.Query().Get("lang")
	text, err := w.pages.draw(lang, r.Header.Get("Accept-Language"), w.machines.list(), len(w.machines.seats), w.machines.now())
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	h := out.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	out.Write(text)
}

// listing is the page for scripts.
func (w *web) listing(out http.ResponseWriter, r *http.Request) {
	type entry struct {
		lan.Report
		Last   time.Time `json:"last"`
		Wanted bool      `json:"wanted"` // it is one of those that may be made
	}
	all := []entry{}
	for _, k := range w.machines.list() {
		all = append(all, entry{k.Report, k.last.UTC(), k.seat > 0})
	}
	out.Header().Set("Content-Type", "application/json")
	out.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(out).Encode(all)
}

// own is the guard against pages that a browser loads from elsewhere: the
// server is asked by its address, and by nothing else.
func (w *web) own(next http.Handler) http.Handler {
	at, _ := url.Parse(w.from)
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if at == nil || r.Host != at.Host && r.Host != at.Hostname() || r.Header.Get("Origin") != "" {
			http.Error(out, "this is "+w.from, http.StatusForbidden)
			return
		}
		next.ServeHTTP(out, r)
	})
}
