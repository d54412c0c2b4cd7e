package town

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// bodyLimit is far above what any page of the town sends.
const bodyLimit = 4 << 20

// view is what the page templates see.
type view struct {
	M    Markers
	Port int
	Host string
	Data map[string]string
}

func (t *Town) routes() http.Handler {
	mux := http.NewServeMux()
	for _, host := range []string{Bank, Benefits, Identity, Chooser} {
		mux.HandleFunc("POST "+host+"/kerro", t.tell)
		mux.HandleFunc("GET "+host+"/kakku", t.cached)
		mux.HandleFunc("GET "+host+"/town.js", script("pages/town.js"))
		mux.HandleFunc("GET "+host+"/town.css", style)
		mux.HandleFunc("GET "+host+"/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	}
	mux.HandleFunc("GET "+Bank+"/{$}", t.page("bank.html"))
	mux.HandleFunc("POST "+Bank+"/kirjaudu", t.signIn)
	mux.HandleFunc("GET "+Bank+"/oma/{mark}", t.page("own.html"))
	mux.HandleFunc("GET "+Bank+"/sw.js", script("pages/sw.js"))
	mux.HandleFunc("GET "+Bank+"/tunnistettu", t.page("services.html"))
	mux.HandleFunc("GET "+Bank+"/suoraan", t.page("direct.html"))
	mux.HandleFunc("GET "+Bank+"/kehys", t.page("frame.html"))
	mux.HandleFunc("GET "+Bank+"/suojattu/tiliote", t.authenticated(t.page("statement.html")))
	mux.HandleFunc("GET "+Bank+"/suojattu/tiliote.pdf", t.authenticated(t.sendStatement))
	mux.HandleFunc("GET "+Benefits+"/{$}", t.page("benefits.html"))
	mux.HandleFunc("GET "+Benefits+"/tunnistettu", t.page("attach.html"))
	mux.HandleFunc("POST "+Benefits+"/liite", t.attach)
	for _, host := range []string{Bank, Benefits} {
		mux.HandleFunc("POST "+host+"/paluu", t.identified)
	}
	mux.HandleFunc("GET "+Identity+"/aloita", t.identify)
	mux.HandleFunc("GET "+Identity+"/paluu", t.page("postback.html"))
	mux.HandleFunc("GET "+Chooser+"/valitse", t.page("choose.html"))
	mux.HandleFunc("POST "+Chooser+"/valitse", t.chosen)
	mux.HandleFunc("GET "+Chooser+"/vahvistettu", t.confirmed)
	return mux
}

// watch reads every request for markers of earlier visits. Ports are cut from
// the host so that the routes can name it.
func (t *Town) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.Host); err == nil {
			r.Host = host
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		if err != nil {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		head, _ := httputil.DumpRequest(r, false)
		t.leak("a request's head to "+r.Host+r.URL.Path, head)
		t.leak("a request's body to "+r.Host+r.URL.Path, body)
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (t *Town) event(r *http.Request, name string, detail any) {
	raw, err := json.Marshal(detail)
	if err != nil {
		raw = []byte("null")
	}
	t.visit().add(Event{Host: r.Host, Name: name, Detail: raw})
}

// page answers with a page, and says "opened:" so that a test can wait for the
// request itself.
func (t *Town) page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data := map[string]string{}
		for k := range r.URL.Query() {
			data[k] = r.URL.Query().Get(k)
		}
		if c, err := r.Cookie("tuttu"); err == nil {
			data["known"] = c.Value
		}
		t.show(w, r, name, data)
	}
}

func (t *Town) show(w http.ResponseWriter, r *http.Request, name string, data map[string]string) {
	var b bytes.Buffer
	if err := t.pages.ExecuteTemplate(&b, name, view{t.visit().Markers, t.Port(), r.Host, data}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

func script(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		text, err := pageFiles.ReadFile(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(text)
	}
}

func style(w http.ResponseWriter, r *http.Request) {
	text, err := pageFiles.ReadFile("pages/town.css")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Write(text)
}

// tell takes what a page says.
func (t *Town) tell(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Event  string          `json:"event"`
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t.visit().add(Event{Host: r.Host, Name: said.Event, Detail: said.Detail})
	w.WriteHeader(http.StatusNoContent)
}

// cached may be kept for ever; a later visit that gets an earlier one's answer
// has read it from a cache that should be gone.
func (t *Town) cached(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("ETag", `"`+t.visit().Markers["cached"]+`"`)
	io.WriteString(w, t.visit().Markers["cached"])
}

func cookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 86400 * 30, SameSite: http.SameSiteLaxMode})
}

// signIn is the bank's log-in form.
func (t *Town) signIn(w http.ResponseWriter, r *http.Request) {
	m := t.visit().Markers
	if r.PostFormValue("user") != m["user"] || r.PostFormValue("password") != m["password"] {
		t.event(r, "sign_in_wrong", nil)
		http.Error(w, "wrong user or password", http.StatusForbidden)
		return
	}
	cookie(w, "istunto", m["cookie"])
	t.event(r, "logged_in", nil)
	http.Redirect(w, r, "/oma/"+m["address"]+"?viite="+m["address"], http.StatusSeeOther)
}

// authenticated is the bank's area of HTTP basic authentication.
func (t *Town) authenticated(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m := t.visit().Markers
		user, password, offered := r.BasicAuth()
		switch {
		case offered && user == m["auth_user"] && password == m["auth_password"]:
			t.event(r, "auth_ok", nil)
			next(w, r)
			return
		case offered:
			t.event(r, "auth_wrong", nil)
		default:
			t.event(r, "auth_asked", nil)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="Tiliotteet", charset="UTF-8"`)
		http.Error(w, "sign in", http.StatusUnauthorized)
	}
}

func (t *Town) sendStatement(w http.ResponseWriter, r *http.Request) {
	v := t.visit()
	pdf := statement(v.Markers["statement"])
	sum := sha256.Sum256(pdf)
	v.mu.Lock()
	v.pdf = hex.EncodeToString(sum[:])
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.FileName()+`"`)
	w.Write(pdf)
	t.event(r, "pdf_sent", nil)
}

// FileName is the statement's name in the downloads folder.
func (v *Visit) FileName() string { return v.Markers["file_name"] + ".pdf" }

// Upload is the detail of an "uploaded" event.
type Upload struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Same   bool   `json:"same"` // it is the statement that the bank sent in this visit
}

func (t *Town) attach(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("liite")
	if err != nil {
		t.event(r, "upload_failed", err.Error())
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sum := sha256.Sum256(data)
	v := t.visit()
	v.mu.Lock()
	up := Upload{header.Filename, hex.EncodeToString(sum[:]), hex.EncodeToString(sum[:]) == v.pdf}
	v.mu.Unlock()
	t.event(r, "uploaded", up)
	t.show(w, r, "received.html", map[string]string{"sha256": up.SHA256})
}

// identify is where the pop-up begins; it hands on to the chooser's host.
func (t *Town) identify(w http.ResponseWriter, r *http.Request) {
	service := r.URL.Query().Get("palvelu")
	if service != Bank && service != Benefits {
		http.Error(w, "unknown service", http.StatusBadRequest)
		return
	}
	t.event(r, "started", service)
	cookie(w, "tunnistus", t.visit().Markers["identity_cookie"])
	http.Redirect(w, r, fmt.Sprintf("http://%s:%d/valitse?palvelu=%s&tapa=%s", Chooser, t.Port(),
		url.QueryEscape(service), url.QueryEscape(r.URL.Query().Get("tapa"))), http.StatusFound)
}

// chosen takes the codes, or the word of a browser that it knows.
func (t *Town) chosen(w http.ResponseWriter, r *http.Request) {
	m := t.visit().Markers
	known, err := r.Cookie("tuttu")
	if err != nil || known.Value != m["chooser_cookie"] {
		if r.PostFormValue("user") != m["codes_user"] || r.PostFormValue("password") != m["codes_password"] {
			t.event(r, "codes_wrong", nil)
			http.Error(w, "wrong codes", http.StatusForbidden)
			return
		}
		t.event(r, "codes_ok", nil)
	} else {
		t.event(r, "recognised", nil)
	}
	cookie(w, "tuttu", m["chooser_cookie"])
	way := r.PostFormValue("tapa")
	on := fmt.Sprintf("http://%s:%d/paluu?palvelu=%s&vastaus=%s&tapa=%s", Identity, t.Port(),
		url.QueryEscape(r.PostFormValue("palvelu")), m["address"], url.QueryEscape(way))
	if way == ByPhone { // it goes on when the phone has said yes
		t.show(w, r, "phone.html", map[string]string{"on": on})
		return
	}
	http.Redirect(w, r, on, http.StatusSeeOther)
}

// Confirm is the client's press on their phone.
func (v *Visit) Confirm() { v.phone.Store(true) }

func (t *Town) confirmed(w http.ResponseWriter, r *http.Request) {
	if !t.visit().phone.Load() {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// identified takes the identification service's answer, posted by the pop-up
// from another host.
func (t *Town) identified(w http.ResponseWriter, r *http.Request) {
	m := t.visit().Markers
	if r.PostFormValue("vastaus") != m["address"] {
		t.event(r, "identification_wrong", nil)
		http.Error(w, "wrong answer", http.StatusForbidden)
		return
	}
	cookie(w, "tunnistettu", m["cookie"])
	t.event(r, "signed_in", nil)
	switch r.PostFormValue("tapa") {
	case Directly, ByPhone:
		http.Redirect(w, r, "/tunnistettu", http.StatusSeeOther)
	default:
		t.show(w, r, "close.html", nil)
	}
}
