package screen

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/session"
)

//go:embed pages/*.html
var pageFiles embed.FS

// kind is which page a view is drawn as.
type kind string

const (
	welcome      kind = "welcome"
	erased       kind = "erased"
	starting     kind = "starting"
	erasing      kind = "erasing"
	closed       kind = "closed"
	outOfService kind = "out_of_service"
	outOfOrder   kind = "out_of_order"
	identify     kind = "identify"
	strip        kind = "strip"
	warning      kind = "warning"       // in the strip: covers nothing of the client's page
	lastCall     kind = "last_call"     // the warning's last seconds, over everything
	confirm      kind = "confirm"       // the strip, grown
	message      kind = "message"       // the strip, grown
	stripIdent   kind = "identify_here" // the strip, grown
)

// lastCallFrom is when the warning may cover the page: before, somebody may be
// reading a code off it with a phone.
const lastCallFrom = 20 * time.Second

// kindOf decides which page a view is. A pure function.
func kindOf(v session.View) kind {
	in := v.State.InSession()
	switch {
	case in && v.State == fleet.Warning && v.Why == session.NoReason && v.EndsIn <= lastCallFrom:
		return lastCall // a press helps, so nobody may overlook it
	case in && v.Confirm:
		return confirm
	case in && v.State == fleet.Warning:
		return warning
	case in && v.Identify:
		return stripIdent
	case in && v.Message != "":
		return message
	case in:
		return strip
	case v.State == fleet.OutOfOrder && v.Identify:
		return identify
	case v.State == fleet.OutOfOrder:
		return outOfOrder
	case v.Erased:
		return erased
	case v.Identify:
		return identify
	case v.State == fleet.Ready:
		return welcome
	case v.State == fleet.Erasing:
		return erasing
	case v.State == fleet.Closed:
		return closed
	case v.State == fleet.OutOfService:
		return outOfService
	}
	return starting
}

// height is how many units of the design the page is high; 0 for the whole
// screen.
func (k kind) height() int {
	switch k {
	case strip, warning:
		return 72
	case message:
		return 144
	case stripIdent:
		return 200
	case confirm:
		return 288
	}
	return 0
}

// takesKeys reports whether the page wants the keyboard. The strip does not:
// the client is typing beside it.
func (k kind) takesKeys() bool { return k.height() == 0 || k == confirm }

// page is what the templates draw from.
type page struct {
	session.View
	Kind      kind
	Languages []language
	First     []catalogue.Entry
	Groups    []opened
	texts     Texts
	clock     func(time.Time) time.Time
}

// opened is a group with what it opens.
type opened struct {
	catalogue.Entry
	Inside []catalogue.Entry
}

// Renderer draws views. It does not change and holds no view.
type Renderer struct {
	pages     *template.Template
	texts     Texts
	tiles     *catalogue.Catalogue
	languages []language
	zone      *time.Location
}

// NewRenderer reads the pages; times are told in the zone.
func NewRenderer(tiles *catalogue.Catalogue, texts Texts, zone *time.Location) (*Renderer, error) {
	// The words depend on the page's language, so its methods say them.
	pages, err := template.New("").Funcs(template.FuncMap{"icon": icon}).ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	for _, name := range catalogue.Icons() {
		if _, err := icon(name); err != nil {
			return nil, err
		}
	}
	return &Renderer{pages, texts, tiles, languages(), zone}, nil
}

// Render draws a view as a piece of HTML. The same view gives the same piece.
func (r *Renderer) Render(v session.View) (string, error) {
	v.Lang = languageOf(v.Lang).Code
	p := page{View: v, Kind: kindOf(v), Languages: r.languages, texts: r.texts,
		clock: func(t time.Time) time.Time { return t.In(r.zone) }}
	if p.Kind == welcome {
		p.First = r.tiles.First(v.Lang)
		for _, g := range r.tiles.Groups(v.Lang) {
			p.Groups = append(p.Groups, opened{g, r.tiles.Inside(g.ID, v.Lang)})
		}
	}
	name := "curtain"
	if p.Kind.height() != 0 {
		name = "strip"
	}
	var out bytes.Buffer
	if err := r.pages.ExecuteTemplate(&out, name, p); err != nil {
		return "", fmt.Errorf("draw the page %s: %w", p.Kind, err)
	}
	return out.String(), nil
}

// T says the words for a key.
func (p page) T(key string, pairs ...string) (string, error) {
	return p.texts.say(p.Lang, key, pairs...)
}

// Machine names the machine: where it is and what it is called.
func (p page) Machine() string {
	switch {
	case p.SiteName == "":
		return p.KioskName
	case p.KioskName == "":
		return p.SiteName
	}
	return p.SiteName + " · " + p.KioskName
}

// Clean says when the machine was last erased and checked; empty before that.
func (p page) Clean() (string, error) {
	if p.LastClean.IsZero() {
		return "", nil
	}
	at := p.clock(p.LastClean)
	clock, err := p.T("clock", "hour", fmt.Sprint(at.Hour()), "minute", fmt.Sprintf("%02d", at.Minute()))
	if err != nil {
		return "", err
	}
	return p.T("clean_at", "time", nowrap(clock))
}

// TimeLeft says how long the client may stay.
func (p page) TimeLeft() (string, error) {
	if minutes := int(p.Left / time.Minute); minutes > 0 {
		return p.texts.count(p.Lang, "left", minutes)
	}
	return p.T("left_none")
}

// Countdown says when the session ends unless somebody acts.
func (p page) Countdown() (string, error) {
	key := "erase_in"
	if p.Why != session.NoReason {
		key = "limit_in"
	}
	return p.texts.count(p.Lang, key, max(1, int(p.EndsIn/time.Second)))
}

// HelpSays is what the client is told about the call for help, and the icon
// beside it.
func (p page) HelpSays() (string, error) {
	key := map[session.HelpState]string{session.HelpTrying: "help_trying", session.HelpRinging: "help_ringing",
		session.HelpComing: "help_coming", session.HelpSoon: "help_soon", session.HelpNobody: "help_nobody",
		session.HelpOffline: "help_offline"}[p.Help]
	if key == "" {
		return "", fmt.Errorf("no words for the help state %q", p.Help)
	}
	return p.T(key)
}

// HelpIcon is the picture beside it.
func (p page) HelpIcon() string {
	switch p.Help {
	case session.HelpComing, session.HelpSoon:
		return "user-check"
	case session.HelpNobody:
		return "clock"
	case session.HelpOffline:
		return "wifi-off"
	}
	return "hand-helping"
}

// HelpFailed reports that nobody will come by this call: it can be made again.
func (p page) HelpFailed() bool { return p.Help == session.HelpNobody || p.Help == session.HelpOffline }

// Finished reports whether "done" leads anywhere: beneath the page that says
// "erased", the next client's browser may still be starting.
func (p page) Finished() bool { return p.State != fleet.Erasing && p.State != fleet.Starting }

// Many reports that a second level has more than two rows of tiles.
func (o opened) Many() bool { return len(o.Inside) > 7 }

func nowrap(s string) string {
	out := []rune(s)
	for i, r := range out {
		if r == ' ' {
			out[i] = '\u00a0'
		}
	}
	return string(out)
}
