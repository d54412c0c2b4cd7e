package dashboard

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/agent/premises"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// Places is how the machines of sites serve, and who decided so. Implemented
// by agent's run over store and gate.
type Places interface {
	// Base is what holds at a site without anybody's decision.
	Base(fleet.SiteID) (premises.Values, error)
	// Versions are a site's decisions, newest first.
	Versions(fleet.SiteID) ([]premises.Version, error)
	// Decide keeps a new version and brings it to the machines, which serve so
	// from their next welcome page on; back is the version that it goes back
	// to, or 0. ErrTooLong if no machine could read it. Audited as "place_set".
	Decide(who string, site fleet.SiteID, e premises.Edit, back uint64) error
	// Call is who is told of a call for help at the site that nobody answers.
	Call(fleet.SiteID) premises.Call
}

// ErrTooLong says that settings are too long together.
var ErrTooLong = errors.New("the settings are too long together")

func (b *board) placeRoutes() []route {
	return []route{
		{"GET /sites/{id}/settings", staff.SetPlace, false, b.placePage},
		{"POST /sites/{id}/settings", staff.SetPlace, false, b.setPlace},
		{"POST /sites/{id}/settings/back", staff.SetPlace, false, b.placeBack},
	}
}

// clientLanguages are those that a kiosk speaks, with their own names.
func clientLanguages() []clientLanguage {
	return []clientLanguage{{"fi", "Suomi"}, {"sv", "Svenska"}, {"en", "English"}, {"et", "Eesti"}, {"ru", "Русский"},
		{"uk", "Українська"}, {"so", "Soomaali"}, {"ar", "العربية"}, {"fa", "فارسی"}}
}

type clientLanguage struct{ Code, Name string }

// placeContent is the page of a site's settings.
type placeContent struct {
	Site     fleet.Site
	Form     premises.Form
	Seen     string // the version that the form began from
	Problem  premises.Field
	Tongue   string // of the problem, if the field has several languages
	Sentence template.HTML
	Offered  []offerLine
	Own      []ownLine
	Langs    []langChoice
	Sites    []namedSite
	InUse    template.HTML
	Waiting  []string // machines that serve otherwise still
	Versions []versionLine
}

type langChoice struct {
	clientLanguage
	On bool
}

type versionLine struct {
	N    uint64
	At   time.Time
	Who  string
	What template.HTML
	Now  bool
}

func (b *board) placePage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showPlace(w, r, v, http.StatusOK, nil, nil)
}

// showPlace shows the page; f is a form that was not accepted, and why.
func (b *board) showPlace(w http.ResponseWriter, r *http.Request, v visit, status int, f *premises.Form, problem error) {
	base, err := b.Places.Base(v.site.ID)
	versions, err2 := b.Places.Versions(v.site.ID)
	if err := errors.Join(err, err2); err != nil {
		b.Log.Error("read what a site decided", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	now := base
	if len(versions) > 0 {
		now = versions[0].Edit.Over(base)
	}
	c := placeContent{Site: v.site, Form: premises.FormOf(now, b.Location), Seen: strconv.FormatUint(newest(versions).N, 10)}
	if f != nil {
		c.Form = *f
		if !errors.As(problem, new(meanwhileError)) {
			c.Seen = r.PostFormValue("seen")
		}
		c.Problem, c.Sentence = b.placeProblem(v, problem)
		var p premises.Problem
		if errors.As(problem, &p) && p.Field == premises.Welcome {
			c.Tongue = p.Line
		}
	}
	c.Offered, c.Own = b.offerLines(v, c.Form, problem)
	for _, l := range clientLanguages() {
		c.Langs = append(c.Langs, langChoice{l, len(c.Form.Languages) == 0 || slices.Contains(c.Form.Languages, l.Code)})
	}
	for _, s := range b.everySite(v) {
		if s.ID != v.site.ID {
			c.Sites = append(c.Sites, s)
		}
	}
	if len(versions) > 0 {
		c.InUse, c.Waiting = b.inUse(v, versions[0])
	}
	c.Versions = b.versionLines(v, versions)
	title := v.tell.say("place.title", "site", v.site.Name)
	b.show(w, r, v, status, frame{Page: "place", Title: title, Content: c})
}

// newest is the version that holds; of number 0 if nobody decided anything.
func newest(versions []premises.Version) (none premises.Version) {
	if len(versions) > 0 {
		return versions[0]
	}
	return none
}

// meanwhileError says that somebody else changed the same since the form was
// shown.
type meanwhileError struct {
	who    string
	fields []premises.Field
}

func (e meanwhileError) Error() string {
	return fmt.Sprintf("%s changed %v meanwhile", e.who, e.fields)
}

// merge puts what the person changed in a form over what others changed since
// the form was shown: nobody undoes what they did not see. What both changed,
// the person must look at.
func merge(versions []premises.Version, base, form premises.Values, seen string) (premises.Values, error) {
	last := newest(versions)
	n, err := strconv.ParseUint(seen, 10, 64)
	i := slices.IndexFunc(versions, func(x premises.Version) bool { return x.N == n })
	if err != nil || n == last.N || n > 0 && i < 0 {
		return form, nil
	}
	began, now := base, last.Edit.Over(base)
	if i >= 0 {
		began = versions[i].Edit.Over(base)
	}
	mine, theirs := premises.Between(began, form), premises.Between(began, now)
	differ := premises.Between(now, form).Fields
	var both []premises.Field
	for _, f := range mine.Fields {
		if slices.Contains(theirs.Fields, f) && slices.Contains(differ, f) {
			both = append(both, f)
		}
	}
	if len(both) > 0 {
		return mine.Over(now), meanwhileError{lastToChange(versions, base, both[0]), both}
	}
	return mine.Over(now), nil
}

// lastToChange is who changed a field last.
func lastToChange(versions []premises.Version, base premises.Values, f premises.Field) string {
	for i, x := range versions {
		before := base
		if i+1 < len(versions) {
			before = versions[i+1].Edit.Over(base)
		}
		if slices.Contains(premises.Between(before, x.Edit.Over(base)).Fields, f) {
			return x.Who
		}
	}
	return newest(versions).Who
}

// everySite lists the sites that the person may see and, for an admin of this
// one, all others by name only: a call may ring at another, whose machines a
// person need not see for that.
func (b *board) everySite(v visit) (all []namedSite) {
	for _, s := range b.Fleet.Views() {
		if c := (namedSite{s.Kiosk.Site, s.SiteName}); !slices.Contains(all, c) && (v.may(staff.SeeFleet, c.ID) || v.may(staff.ChangeStaff, v.site.ID)) {
			all = append(all, c)
		}
	}
	return all
}

// inUse says at how many of the site's machines the newest version is in use,
// and names those at which it is not.
func (b *board) inUse(v visit, newest premises.Version) (said template.HTML, waiting []string) {
	all, there := 0, 0
	for _, s := range b.Fleet.Views() {
		if s.Kiosk.Site != v.site.ID {
			continue
		}
		all++
		if s.Report != nil && s.Report.Serves.Settings >= newest.Settings {
			there++
		} else {
			waiting = append(waiting, s.Kiosk.Name)
		}
	}
	return v.tell.say("place.in_use", "n", there, "all", all), waiting
}

func (b *board) versionLines(v visit, versions []premises.Version) (lines []versionLine) {
	for i, x := range versions {
		if i == 50 {
			break
		}
		l := versionLine{N: x.N, At: x.At, Who: b.shown(x.Who), Now: i == 0}
		before := premises.Edit{}
		if i+1 < len(versions) {
			before = versions[i+1].Edit
		}
		if x.Back > 0 {
			l.What = v.tell.say("place.went_back", "n", x.Back)
		} else {
			l.What = b.changedFields(v, before, x.Edit)
		}
		lines = append(lines, l)
	}
	return lines
}

// changedFields names what is not the same in two decisions.
func (b *board) changedFields(v visit, before, after premises.Edit) (said template.HTML) {
	for _, f := range premises.Fields() {
		one := func(e premises.Edit) premises.Edit {
			e.Fields = slices.DeleteFunc(slices.Clone(e.Fields), func(g premises.Field) bool { return g != f })
			return e
		}
		x, y := one(before), one(after)
		if len(x.Fields) == len(y.Fields) && len(premises.Between(x.Over(premises.Values{}), y.Over(premises.Values{})).Fields) == 0 {
			continue
		}
		if said != "" {
			said += ", "
		}
		said += v.tell.say("place.field." + string(f))
	}
	if said == "" {
		return v.tell.say("place.nothing")
	}
	return said
}

func (b *board) placeProblem(v visit, err error) (premises.Field, template.HTML) {
	var p premises.Problem
	switch {
	case errors.As(err, &p):
		if p.Field == premises.Offer {
			return p.Field, offerProblem(v, p)
		}
		key := "place.problem." + string(p.Field)
		said := v.tell.say(key)
		if p.Line != "" && slices.Contains([]premises.Field{premises.Days, premises.Support, premises.Blocked, premises.Hours}, p.Field) {
			said += " " + v.tell.say("place.problem_line", "line", p.Line)
		}
		return p.Field, said
	case errors.Is(err, ErrTooLong):
		return premises.Blocked, v.tell.say("place.problem.long")
	}
	var m meanwhileError
	if errors.As(err, &m) {
		var names []string
		for _, f := range m.fields {
			names = append(names, string(v.tell.say("place.field."+string(f))))
		}
		return m.fields[0], v.tell.say("place.problem.meanwhile", "who", b.shown(m.who), "fields", template.HTML(strings.Join(names, ", ")))
	}
	return "", ""
}

func readPlaceForm(r *http.Request) premises.Form {
	r.PostFormValue("") // reads the form
	f := premises.Form{Always: r.PostFormValue("always") != "", Days: r.PostFormValue("days"), Support: r.PostFormValue("support"),
		Phone: r.PostFormValue("phone"), Welcome: fleet.Text{FI: r.PostFormValue("welcome_fi"), SV: r.PostFormValue("welcome_sv"), EN: r.PostFormValue("welcome_en")}, Mode: r.PostFormValue("mode"), Blocked: r.PostFormValue("blocked"), Idle: r.PostFormValue("idle"),
		Limit: r.PostFormValue("limit"), Notice: r.PostFormValue("notice"), HelpAfter: r.PostFormValue("help_after"), HelpTo: r.PostFormValue("help_to")}
	f.Places, f.Own = readOfferForm(r)
	for d := range f.Week {
		f.Week[d] = r.PostFormValue("day" + strconv.Itoa(d))
	}
	for _, l := range clientLanguages() { // in the order that is offered
		if slices.Contains(r.PostForm["languages"], l.Code) {
			f.Languages = append(f.Languages, l.Code)
		}
	}
	return f
}

func (b *board) setPlace(w http.ResponseWriter, r *http.Request, v visit) {
	f := readPlaceForm(r)
	base, err := b.Places.Base(v.site.ID)
	versions, err2 := b.Places.Versions(v.site.ID)
	if err := errors.Join(err, err2); err != nil {
		b.Log.Error("read what a site decided", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	values, err := f.Values(base, b.Location)
	if err == nil && len(f.Languages) == 0 {
		err = premises.Problem{Field: premises.Languages}
	}
	if len(f.Languages) == len(clientLanguages()) {
		values.Languages = nil // all, and those that come later
	}
	if to := values.Call.To; err == nil && to != "" && !slices.ContainsFunc(b.everySite(v), func(s namedSite) bool { return s.ID == to && to != v.site.ID }) {
		err = premises.Problem{Field: premises.Help}
	}
	if err == nil {
		if values, err = merge(versions, base, values, r.PostFormValue("seen")); err != nil {
			f = premises.FormOf(values, b.Location) // with what others changed besides
		}
	}
	if err == nil {
		err = b.Places.Decide(v.person.Name, v.site.ID, premises.Between(base, values), 0)
	}
	b.decided(w, r, v, &f, err)
}

// decided answers after a decision, or shows the form again.
func (b *board) decided(w http.ResponseWriter, r *http.Request, v visit, f *premises.Form, err error) {
	var p premises.Problem
	switch {
	case f != nil && (errors.As(err, &p) || errors.Is(err, ErrTooLong)):
		b.showPlace(w, r, v, http.StatusBadRequest, f, err)
	case f != nil && errors.As(err, new(meanwhileError)):
		b.showPlace(w, r, v, http.StatusConflict, f, err)
	case err != nil:
		b.Log.Error("keep what a site decided", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
	default:
		b.Staff.SetFlash(r.Context(), "place_set")
		http.Redirect(w, r, "/sites/"+string(v.site.ID)+"/settings", http.StatusSeeOther)
	}
}

func (b *board) placeBack(w http.ResponseWriter, r *http.Request, v visit) {
	versions, err := b.Places.Versions(v.site.ID)
	n, _ := strconv.ParseUint(r.PostFormValue("n"), 10, 64)
	i := slices.IndexFunc(versions, func(x premises.Version) bool { return x.N == n })
	if err == nil && n > 0 && i < 0 {
		b.fail(w, r, v, http.StatusBadRequest, "broken")
		return
	}
	e := premises.Edit{} // 0 is what the configuration says
	if i >= 0 {
		e = versions[i].Edit
	}
	if err == nil {
		err = b.Places.Decide(v.person.Name, v.site.ID, e, n)
	}
	b.decided(w, r, v, nil, err)
}
