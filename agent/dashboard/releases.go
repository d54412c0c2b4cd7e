package dashboard

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Releases are the versions of the image that kiosks can be offered.
// Implemented by agent's run over agent/releases and store.
type Releases interface {
	// Releases returns those that have come whole, the newest first.
	Releases() ([]Release, error)
	// Offers returns the newest offer of every kiosk that ever had one.
	Offers() (map[fleet.KioskID]Offer, error)
	// Offer orders kiosks to take a version, all of them or none: ErrNoRelease
	// if there is no such version. Audited as "command", one for each kiosk.
	// Whether the person may is asked once more, for each of them.
	Offer(ctx context.Context, who staff.Person, version string, older bool, kiosks []fleet.KioskID) error
}

// ErrNoRelease says that a version is not there, or not any more.
var ErrNoRelease = errors.New("there is no such release")

// Release is one version of the image.
type Release struct {
	Version string
	From    string // the oldest version that can take it; empty: any
	Bytes   int64
	Words   string // of its manifest, to compare with those that its maker was told
}

// Offer is the newest version that a kiosk was offered, and what became of it.
type Offer struct {
	Version   string
	At, Until time.Time
	Done      time.Time // zero: no answer yet
	Why       string    // why it was not taken: a word of fleet.Result; empty: it was
}

func (b *board) releaseRoutes() []route {
	return []route{
		{"GET /releases", staff.UpdateImage, false, b.releasesPage},
		{"POST /releases", staff.UpdateImage, false, b.offerRelease},
	}
}

// releasesContent is the page of versions.
type releasesContent struct {
	Lines    []releaseLine
	Sites    []releaseSite
	Chosen   string // the version in the form
	Older    bool
	Problem  template.HTML
	Many     bool // more than one site
	Machines int
}

// releaseLine is one version, and how far it has come.
type releaseLine struct {
	Release
	Size                      template.HTML
	Run, Take, Starts, Failed int
}

// releaseSite is one site's machines.
type releaseSite struct {
	ID       fleet.SiteID
	Name     string
	Machines []releaseMachine
}

type releaseMachine struct {
	ID      fleet.KioskID
	Name    string
	Runs    string // a version; empty: not known
	Stage   stage
	Icon    string
	Told    template.HTML // how far its offer is; empty: it has none
	Because template.HTML // why it was not taken
	Chosen  bool
}

// stage is how far a machine is with the version that it was offered.
type stage string

const (
	noOffer stage = ""
	taking  stage = "taking" // it fetches it and writes it
	away    stage = "away"   // it has not heard of it
	starts  stage = "starts" // it is in place, and starts when nobody is there
	running stage = "running"
	failed  stage = "failed"
	fell    stage = "fell" // it started badly: the one before runs again
)

// stageOf finds out how far a machine is.
func stageOf(s state.View, o Offer, now time.Time) stage {
	switch {
	case o.Version == "":
		return noOffer
	case o.Why == "" && s.Build == o.Version:
		return running
	case o.Why != "" || o.Done.IsZero() && now.After(o.Until):
		return failed
	case !o.Done.IsZero() && (has(s.Faults, fleet.ImageFellBack) || has(s.Folded, fleet.ImageFellBack)):
		return fell
	case !o.Done.IsZero():
		return starts
	case s.Connected:
		return taking
	}
	return away
}

func has(all []state.Fault, code fleet.Code) bool {
	return slices.ContainsFunc(all, func(f state.Fault) bool { return f.Code == code })
}

// waits reports whether a machine is still on its way to the version.
func (s stage) waits() bool { return s == taking || s == away || s == starts }

func (b *board) releasesPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showReleases(w, r, v, http.StatusOK, releasesContent{}, nil)
}

// showReleases shows the page; chosen are the machines of a form that was not
// accepted.
func (b *board) showReleases(w http.ResponseWriter, r *http.Request, v visit, status int, c releasesContent, chosen []fleet.KioskID) {
	all, err := b.Releases.Releases()
	offers, err2 := b.Releases.Offers()
	if err := errors.Join(err, err2); err != nil {
		b.Log.Error("read the releases", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	at := map[string]*releaseLine{}
	c.Lines = make([]releaseLine, len(all))
	for i, one := range all {
		c.Lines[i] = releaseLine{Release: one, Size: v.tell.megabytes(one.Bytes)}
		at[one.Version] = &c.Lines[i]
	}
	for _, s := range b.updatable(v) {
		if len(c.Sites) == 0 || c.Sites[len(c.Sites)-1].ID != s.Kiosk.Site {
			c.Sites = append(c.Sites, releaseSite{ID: s.Kiosk.Site, Name: s.SiteName})
		}
		m := b.releaseMachine(v.tell, s, offers[s.Kiosk.ID])
		m.Chosen = slices.Contains(chosen, m.ID)
		site := &c.Sites[len(c.Sites)-1]
		site.Machines = append(site.Machines, m)
		c.Machines++
		if l := at[s.Build]; l != nil {
			l.Run++
		}
		if l := at[offers[m.ID].Version]; l != nil {
			l.count(m.Stage)
		}
	}
	c.Many = len(c.Sites) > 1
	if c.Chosen == "" && len(all) > 0 {
		c.Chosen = all[0].Version
	}
	b.show(w, r, v, status, frame{Page: "releases", Title: v.tell.say("releases.title"), Content: c})
}

func (l *releaseLine) count(s stage) {
	switch s {
	case taking, away:
		l.Take++
	case starts:
		l.Starts++
	case failed, fell:
		l.Failed++
	}
}

// updatable are the machines whose version the person decides, site by site.
func (b *board) updatable(v visit) []state.View {
	all := slices.DeleteFunc(b.seen(v), func(s state.View) bool { return !v.may(staff.UpdateImage, s.Kiosk.Site) })
	slices.SortStableFunc(all, func(x, y state.View) int { // two sites may have one name
		if x.SiteName != y.SiteName || x.Kiosk.Site == y.Kiosk.Site {
			return 0
		}
		if x.Kiosk.Site < y.Kiosk.Site {
			return -1
		}
		return 1
	})
	return all
}

func (b *board) releaseMachine(t teller, s state.View, o Offer) releaseMachine {
	m := releaseMachine{ID: s.Kiosk.ID, Name: s.Kiosk.Name, Runs: s.Build, Stage: stageOf(s, o, b.Now())}
	switch m.Stage {
	case noOffer:
		return m
	case running:
		m.Icon = "circle-check"
	case failed, fell:
		m.Icon = "triangle-alert"
	default:
		m.Icon = "hourglass"
	}
	m.Told = t.say("releases.stage."+string(m.Stage), "version", o.Version, "when", t.when(o.At), "until", t.next(o.Until))
	if m.Stage == failed {
		why := o.Why
		if o.Done.IsZero() {
			why = "expired"
		}
		if !t.has("releases.why." + why) {
			why = "failed"
		}
		m.Because = t.say("releases.why." + why)
	}
	return m
}

// offerRelease offers a version to the machines that were ticked, or to the
// rest of a site or of all sites: to those that neither run it nor are on their
// way to it.
func (b *board) offerRelease(w http.ResponseWriter, r *http.Request, v visit) {
	mine := b.updatable(v)
	site := fleet.SiteID(r.PostFormValue("site")) // ParseForm is done by it
	var chosen []fleet.KioskID
	for _, id := range r.PostForm["kiosk"] {
		chosen = append(chosen, fleet.KioskID(id))
	}
	known := func(is func(state.View) bool) bool { return slices.ContainsFunc(mine, is) }
	for _, id := range chosen {
		if !known(func(s state.View) bool { return s.Kiosk.ID == id }) {
			b.fail(w, r, v, http.StatusNotFound, "not_found")
			return
		}
	}
	if site != "" && !known(func(s state.View) bool { return s.Kiosk.Site == site }) {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	c := releasesContent{Chosen: r.PostFormValue("version"), Older: r.PostFormValue("older") == "yes"}
	to, key := chosen, "releases.nobody"
	if rest := r.PostFormValue("to") == "all"; rest || site != "" {
		key = "releases.no_rest"
		var err error
		if to, err = b.restOf(mine, site, c.Chosen); err != nil {
			b.Log.Error("read the releases", "err", err)
			b.fail(w, r, v, http.StatusInternalServerError, "broken")
			return
		}
	}
	if len(to) == 0 {
		c.Problem = v.tell.say(key, "version", c.Chosen)
		b.showReleases(w, r, v, http.StatusBadRequest, c, nil)
		return
	}
	switch err := b.Releases.Offer(r.Context(), v.person, c.Chosen, c.Older, to); {
	case errors.Is(err, ErrNoRelease):
		c.Problem = v.tell.say("releases.gone")
		b.showReleases(w, r, v, http.StatusBadRequest, releasesContent{Problem: c.Problem}, chosen)
		return
	case err != nil:
		b.Log.Error("offer a release", "err", err)
		b.Staff.SetFlash(r.Context(), "release_failed")
	default:
		b.Staff.SetFlash(r.Context(), "release_offered")
	}
	http.Redirect(w, r, "/releases", http.StatusSeeOther)
}

// restOf are the machines of a site, or of all ("") that neither run the
// version nor are on their way to it.
func (b *board) restOf(mine []state.View, site fleet.SiteID, version string) (rest []fleet.KioskID, err error) {
	offers, err := b.Releases.Offers()
	if err != nil {
		return nil, fmt.Errorf("find who has not been offered it: %w", err)
	}
	for _, s := range mine {
		o := offers[s.Kiosk.ID]
		onWay := o.Version == version && stageOf(s, o, b.Now()).waits()
		if (site == "" || s.Kiosk.Site == site) && s.Build != version && !onWay {
			rest = append(rest, s.Kiosk.ID)
		}
	}
	return rest, nil
}
