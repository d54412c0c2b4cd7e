package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"yhteiskone/agent/notify"
	"yhteiskone/agent/staff"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static/dashboard.css static/live.js static/invite.js static/icon.svg static/wall.css static/wall.js
var staticFiles embed.FS

// page is one page in one language, parsed.
type page = template.Template

// pageNames lists the pages; each has a template of its own beside the common
// ones.
func pageNames() []string {
	return []string{"fleet", "kiosk", "site", "help", "alerts", "place", "sign", "sheet", "reports", "tally", "walls", "wall", "releases", "staff", "audit", "agent", "sign_in", "error",
		"second", "invite", "first", "account", "factor", "codes", "member", "invited"}
}

// pages are parsed when somebody first looks at them: all of them in every
// language are 15 MB, and a day centre needs few.
type pages struct {
	funcs map[string]template.FuncMap // by language
	mu    sync.Mutex
	had   map[[2]string]*page // by language and name
}

func newPages(b *board) *pages {
	icons := loadIcons()
	p := &pages{funcs: map[string]template.FuncMap{}, had: map[[2]string]*page{}}
	for _, lang := range languages() {
		tell := b.teller(lang)
		p.funcs[lang] = template.FuncMap{
			"t": tell.say, "n": tell.count, "when": tell.when, "ago": tell.ago, "span": tell.span, "gb": tell.gigabytes,
			"lang": func() string { return lang }, "languages": languages,
			"languageName": func(l string) string { return languageNames()[l] },
			"pair":         func(prefix string, form any) formPart { return formPart{prefix, form} },
			"drawn":        func(c card) (template.HTML, error) { return b.drawn(lang, c) },
			"weekdays":     func() []int { return []int{1, 2, 3, 4, 5, 6, 0} },
			"channels":     notify.Channels,
			"audiences":    notify.Audiences,
			"asset":        b.assets.address, "version": func() string { return b.Version },
			"icon": func(name string) (template.HTML, error) {
				svg, ok := icons[name]
				if !ok {
					return "", fmt.Errorf("there is no icon %q", name)
				}
				return svg, nil
			},
		}
	}
	return p
}

// get returns a page in a language; both are ours, and a test gets every one.
func (p *pages) get(lang, name string) *page {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{lang, name}
	if p.had[key] == nil {
		p.had[key] = template.Must(template.New("base.html").Funcs(p.funcs[lang]).ParseFS(templateFiles,
			"templates/base.html", "templates/card.html", "templates/calls.html", "templates/parts.html", "templates/past.html", "templates/board.html",
			"templates/peopleparts.html", "templates/"+name+".html"))
	}
	return p.had[key]
}

// formPart is a form's fields, with what their identifiers begin with.
type formPart struct {
	Prefix string
	Form   any
}

// frame is what every page has around its own content.
type frame struct {
	Page     string // name of the page
	Path     string // where the page is, for the language switch and for forms to come back
	Title    template.HTML
	Events   string // address of the live stream; empty: none
	SignedIn bool
	Name     string
	Bar      bar
	Calls    []call
	Untold   bool   // messages to people were given up
	Flash    string // key of a sentence
	Newcomer bool   // the form is filled from behind the "#" of the address
	Bad      bool   // it says that something did not go well
	Refresh  bool   // without JavaScript: load the page again now and then
	Content  any
}

// show writes a page.
func (b *board) show(w http.ResponseWriter, r *http.Request, v visit, status int, f frame) {
	f.Path = r.URL.Path
	f.Newcomer = f.Page == "invite" || f.Page == "first"
	f.SignedIn = v.person.Name != ""
	f.Name = v.person.Shown
	if f.SignedIn {
		f.Bar = barOf(v, f.Page)
		f.Calls = b.calls(v)
		f.Untold = b.untold(v)
		f.Flash = b.Staff.TakeFlash(r.Context())
		f.Bad = strings.Contains(f.Flash, "failed") || strings.HasPrefix(f.Flash, "message_") || f.Flash == "alert_tries"
		if f.Events == "" && v.may(staff.SeeFleet, staff.Somewhere) {
			f.Events = "/events"
		}
	}
	var out bytes.Buffer
	if err := b.pages.get(v.tell.lang, f.Page).Execute(&out, f); err != nil {
		b.Log.Error("draw a page", "page", f.Page, "err", err)
		http.Error(w, "The agent could not draw this page. Try again, then tell the technician.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.tell.lang)
	w.Header().Add("Vary", "Accept-Language")
	body := out.Bytes()
	if heavy(f.Page, len(body)) {
		w.Header().Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			w.Header().Set("Content-Encoding", "gzip")
			body = pack(body, gzip.BestSpeed)
		}
	}
	w.WriteHeader(status)
	w.Write(body) // the reader may be gone; there is nobody to tell
}

// heavy reports whether a page is compressed: those with a card for every
// machine, unless they are so long that it would take more time than it spares.
// No other page is: what somebody writes into a form may stand in it beside a
// secret, and the size of the two together would tell something of that. On
// these there is neither.
func heavy(page string, bytes int) bool {
	return (page == "fleet" || page == "site") && bytes > 8<<10 && bytes < 512<<10
}

// fragment draws one part of a page.
func (b *board) fragment(v visit, name string, data any) (string, error) {
	if c, ok := data.(card); ok {
		html, err := b.drawn(v.tell.lang, c)
		return string(html), err
	}
	var out strings.Builder
	if err := b.pages.get(v.tell.lang, "kiosk").ExecuteTemplate(&out, name, data); err != nil {
		return "", fmt.Errorf("draw %s: %w", name, err)
	}
	return out.String(), nil
}

// fail shows a page that says what is wrong and what to do.
func (b *board) fail(w http.ResponseWriter, r *http.Request, v visit, status int, word string) {
	b.show(w, r, v, status, frame{Page: "error", Title: v.tell.say("error." + word), Content: word})
}

// assets are the files that pages ask for, under addresses that change with
// their content.
type assets struct {
	files  map[string][]byte
	packed map[string][]byte // the same by gzip
	marks  map[string]string
	types  map[string]string
	prefix string
}

func loadAssets() *assets {
	a := &assets{map[string][]byte{}, map[string][]byte{}, map[string]string{}, map[string]string{}, "/static/"}
	for _, name := range []string{"dashboard.css", "icon.svg", "live.js", "invite.js", "wall.css", "wall.js"} {
		raw, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			panic(fmt.Sprintf("read the embedded file %s: %v", name, err))
		}
		sum := sha256.Sum256(raw)
		a.files[name], a.packed[name] = raw, pack(raw, gzip.BestCompression)
		a.marks[name] = base64.RawURLEncoding.EncodeToString(sum[:9])
		a.types[name] = mime.TypeByExtension(path.Ext(name))
	}
	return a
}

func (a *assets) address(name string) string { return a.prefix + name + "?v=" + a.marks[name] }

func (b *board) static(w http.ResponseWriter, r *http.Request, v visit) {
	name := r.PathValue("file")
	raw, ok := b.assets.files[name]
	if !ok {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	w.Header().Set("Content-Type", b.assets.types[name])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		raw = b.assets.packed[name]
	}
	w.Write(raw)
}

// pack compresses.
func pack(raw []byte, level int) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, level)
	if err == nil {
		_, err = z.Write(raw)
		err = errors.Join(err, z.Close())
	}
	if err != nil {
		panic(fmt.Sprintf("compress: %v", err)) // memory does not fail
	}
	return out.Bytes()
}

// acceptsGzip reports whether the browser unpacks what is compressed.
func acceptsGzip(r *http.Request) bool {
	for each := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if how, q, _ := strings.Cut(each, ";"); strings.TrimSpace(how) == "gzip" {
			return !strings.HasPrefix(strings.ReplaceAll(q, " ", ""), "q=0") || strings.ContainsAny(q, "123456789")
		}
	}
	return false
}
