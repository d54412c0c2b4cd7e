package dashboard

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"rsc.io/qr"

	"yhteiskone/agent/staff"
)

// accountContent is one's own page.
type accountContent struct {
	Me       staff.Member
	Roles    []roleLine
	Needed   bool // a role asks for a second factor and there is none
	Kept     bool // a role asks for it, so it cannot be switched off
	Devices  []deviceLine
	Problems map[string]string // key of a sentence, by the form that it is about
}

// deviceLine is one place where somebody is signed in.
type deviceLine struct {
	ID          string
	Name        template.HTML
	Began, Seen time.Time
	Here        bool
}

func (b *board) accountPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showAccount(w, r, v, http.StatusOK, "", "")
}

// showAccount draws the page; problem is the key of a sentence about one of
// its forms.
func (b *board) showAccount(w http.ResponseWriter, r *http.Request, v visit, status int, form, problem string) {
	c := accountContent{Needed: v.person.Bare, Problems: map[string]string{}}
	if problem != "" {
		c.Problems[form] = problem
	}
	var err error
	if c.Me, err = b.Staff.Member(v.person.Name); err == nil {
		c.Roles, err = b.roleLines(v, c.Me.Grants, true)
	}
	if err == nil {
		c.Devices, err = b.devices(r, v, c.Me.Name)
	}
	var rules staff.Rules
	if err == nil {
		rules, err = b.Staff.Rules()
	}
	if err != nil {
		b.broken(w, r, v, "read an account", err)
		return
	}
	c.Kept = slices.ContainsFunc(c.Me.Grants, func(g staff.Grant) bool { return slices.Contains(rules.Factor, g.Role) })
	b.show(w, r, v, status, frame{Page: "account", Title: v.tell.say("account.title"), Content: c})
}

func (b *board) broken(w http.ResponseWriter, r *http.Request, v visit, what string, err error) {
	b.Log.Error(what, "err", err)
	b.fail(w, r, v, http.StatusInternalServerError, "broken")
}

func (b *board) devices(r *http.Request, v visit, name string) (all []deviceLine, err error) {
	devices, err := b.Staff.Devices(r.Context(), name)
	for _, d := range devices {
		line := deviceLine{ID: d.ID, Began: d.Began, Seen: d.Seen, Here: d.Here}
		switch {
		case d.Browser != "" && d.System != "":
			line.Name = v.tell.say("device.both", "browser", d.Browser, "system", d.System)
		case d.Browser+d.System != "":
			line.Name = template.HTML(template.HTMLEscapeString(d.Browser + d.System))
		default:
			line.Name = v.tell.say("device.unknown")
		}
		all = append(all, line)
	}
	return all, err
}

// own answers to a form of one's own page: back to it with a sentence.
func (b *board) own(form, flash string, do func(*http.Request, visit) error) func(http.ResponseWriter, *http.Request, visit) {
	return func(w http.ResponseWriter, r *http.Request, v visit) {
		err := do(r, v)
		if err == nil {
			b.Staff.SetFlash(r.Context(), flash)
			http.Redirect(w, r, "/account", http.StatusSeeOther)
			return
		}
		if errors.Is(err, staff.ErrNotFound) { // a session that is over already
			http.Redirect(w, r, "/account", http.StatusSeeOther)
			return
		}
		status, problem := b.problem(err)
		if problem == "" {
			b.fail(w, r, v, status, "broken")
			return
		}
		b.showAccount(w, r, v, status, form, problem)
	}
}

func (b *board) changePassword(r *http.Request, _ visit) error {
	if r.PostFormValue("new") != r.PostFormValue("again") {
		return staff.PasswordDiffer
	}
	return b.Staff.ChangePassword(r, r.PostFormValue("old"), r.PostFormValue("new"))
}

func (b *board) removeFactor(r *http.Request, _ visit) error {
	return b.Staff.RemoveFactor(r, r.PostFormValue("password"))
}

func (b *board) endDevice(r *http.Request, v visit) error {
	return b.Staff.EndDevice(v.person.Name, v.person.Name, r.PostFormValue("id"))
}

func (b *board) endOthers(r *http.Request, _ visit) error { return b.Staff.EndOthers(r.Context()) }

func (b *board) setLanguage(w http.ResponseWriter, r *http.Request, v visit) {
	lang := r.PostFormValue("language")
	if !slices.Contains(languages(), lang) {
		b.fail(w, r, v, http.StatusBadRequest, "not_found")
		return
	}
	if err := b.Staff.SetLanguage(v.person.Name, lang); err != nil {
		b.broken(w, r, v, "keep a language", err)
		return
	}
	keepLanguage(w, r, lang)
	b.Staff.SetFlash(r.Context(), "language_set")
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// factorContent is the page where the phone meets its secret.
type factorContent struct {
	Secret  string
	Drawing template.HTML
	Problem string
}

func (b *board) beginFactor(w http.ResponseWriter, r *http.Request, v visit) {
	if err := b.Staff.BeginFactor(r, r.PostFormValue("password")); err != nil {
		b.own("factor", "", func(*http.Request, visit) error { return err })(w, r, v)
		return
	}
	http.Redirect(w, r, "/account/factor", http.StatusSeeOther)
}

func (b *board) factorPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showFactor(w, r, v, http.StatusOK, "")
}

func (b *board) showFactor(w http.ResponseWriter, r *http.Request, v visit, status int, problem string) {
	p, ok, err := b.Staff.PendingFactor(r.Context())
	if err != nil {
		b.broken(w, r, v, "prepare a second factor", err)
		return
	}
	if !ok {
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return
	}
	drawing, err := drawQR(p.Address, string(v.tell.say("factor.drawing")))
	if err != nil {
		b.broken(w, r, v, "draw a QR code", err)
		return
	}
	b.show(w, r, v, status, frame{Page: "factor", Title: v.tell.say("factor.title"),
		Content: factorContent{fours(p.Secret), drawing, problem}})
}

func (b *board) confirmFactor(w http.ResponseWriter, r *http.Request, v visit) {
	codes, err := b.Staff.ConfirmFactor(r, r.PostFormValue("code"))
	if err != nil {
		status, problem := b.problem(err)
		if problem == "" {
			b.fail(w, r, v, status, "broken")
			return
		}
		b.showFactor(w, r, v, status, problem)
		return
	}
	b.showCodes(w, r, v, codes)
}

func (b *board) renewRecovery(w http.ResponseWriter, r *http.Request, v visit) {
	codes, err := b.Staff.RenewRecovery(r, r.PostFormValue("password"))
	if err != nil {
		b.own("recovery", "", func(*http.Request, visit) error { return err })(w, r, v)
		return
	}
	b.showCodes(w, r, v, codes)
}

// showCodes shows recovery codes, in the answer itself: they are nowhere else.
func (b *board) showCodes(w http.ResponseWriter, r *http.Request, v visit, codes []string) {
	v.person.Bare = false // whatever it was before, it has a second factor now
	b.show(w, r, v, http.StatusOK, frame{Page: "codes", Title: v.tell.say("codes.title"), Content: codes})
}

// fours writes a secret in groups, as people type it.
func fours(s string) string {
	var groups []string
	for group := range slices.Chunk([]byte(s), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// qrEdge is the empty edge that a QR code must have, in modules.
const qrEdge = 4

// drawQR draws a QR code as part of the page: a picture with an address of its
// own would have the secret in that address, or on a disk. Black on white in
// the dark theme too, because not every phone reads the opposite.
func drawQR(text, label string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("make a QR code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+qrEdge, y+qrEdge, x-from, x-from)
			}
		}
	}
	side := code.Size + 2*qrEdge
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`, template.HTMLEscapeString(label), side, side, side, side, path.String())), nil
}
