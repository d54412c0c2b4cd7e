package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// visit is one request, after the guard: who asks, in which language, about
// which kiosk.
type visit struct {
	tell   teller
	person staff.Person // zero on public pages of somebody who is not signed in
	view   state.View   // of the kiosk in the address
	site   fleet.Site   // in the address
}

// may asks the one place that decides.
func (v visit) may(a staff.Action, site fleet.SiteID) bool { return staff.May(v.person, a, site) }

// bodyLimit is more than any form of the dashboard needs.
const bodyLimit = 64 << 10

// handler puts the guard around every route. There is no other way in: what is
// not in routes is not served, and what is in routes is walked by a test.
func (b *board) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range b.routes() {
		mux.Handle(r.pattern, b.guard(r))
	}
	mux.Handle("/", b.guard(route{action: staff.ChangeOwn, serve: func(w http.ResponseWriter, r *http.Request, v visit) {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
	}}))
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.fail(w, r, b.visit(w, r), http.StatusForbidden, "cross_origin")
	}))
	return headers(cross.Handler(mux))
}

// headers sets what every page carries; agent/front says the same for all else.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // "no-referrer" would turn the Origin of our own forms into "null"
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		next.ServeHTTP(w, r)
	})
}

// visit finds out the language.
func (b *board) visit(w http.ResponseWriter, r *http.Request) visit {
	lang, asked := pick(r)
	if asked {
		keepLanguage(w, r, lang)
	}
	return visit{tell: b.teller(lang)}
}

// keepLanguage lets the browser remember a language.
func keepLanguage(w http.ResponseWriter, r *http.Request, lang string) {
	http.SetCookie(w, &http.Cookie{Name: "lang", Value: lang, Path: "/", MaxAge: 365 * 24 * 3600,
		SameSite: http.SameSiteLaxMode, HttpOnly: true, Secure: r.TLS != nil})
}

func (b *board) teller(lang string) teller { return teller{b.texts[lang], b.Now, b.Location} }

// guard lets a request through to a route, or says why not.
func (b *board) guard(to route) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := b.visit(w, r)
		var signedIn bool
		v.person, signedIn = staff.From(r.Context())
		if to.action == "" {
			to.serve(w, r, v)
			return
		}
		if !signedIn {
			b.askToSignIn(w, r)
			return
		}
		site := staff.Somewhere
		if to.kiosk {
			view, ok := b.Fleet.View(fleet.KioskID(r.PathValue("id")))
			// A kiosk that a person may not even see does not exist for them.
			called := ok && to.action == staff.AnswerHelp && b.called(v, view, to.action)
			if !ok || !called && !v.may(staff.SeeFleet, view.Kiosk.Site) {
				b.fail(w, r, v, http.StatusNotFound, "not_found")
				return
			}
			v.view, site = view, view.Kiosk.Site
			if called {
				site = b.Places.Call(site).To
			}
		}
		if id, named := siteOf(to.pattern, r); named {
			// Nor does a site that is not theirs.
			here, ok := b.Fleet.Site(id)
			if site = id; !v.person.Bare && (!ok || !v.may(staff.SeeFleet, site)) {
				b.fail(w, r, v, http.StatusNotFound, "not_found")
				return
			}
			v.site = fleet.Site{ID: id, Name: here.Name}
		}
		if v.person.Bare && to.action != staff.ChangeOwn && r.Method == http.MethodGet && r.URL.Path != "/events" {
			http.Redirect(w, r, "/account", http.StatusSeeOther) // the way in is there
			return
		}
		if !v.may(to.action, site) {
			b.fail(w, r, v, http.StatusForbidden, "forbidden")
			return
		}
		to.serve(w, r, v)
	})
	if strings.HasPrefix(to.pattern, "GET /static/") {
		return inner // a style sheet needs no session, and must not count as activity
	}
	return b.Staff.Load(inner)
}

func (b *board) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/events" { // a script asks, not a person
		http.Error(w, "sign in", http.StatusUnauthorized)
		return
	}
	to := "/sign-in"
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.Path)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// home returns where to go after a form: the page it stood on, when that is one
// of ours, otherwise the first page.
func home(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(u.Path, "\\\r\n\t") {
		return "/"
	}
	return (&url.URL{Path: u.Path}).String()
}
