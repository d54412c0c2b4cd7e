// Package premises is what the people of a site decide about its kiosks: hours,
// times, languages, where clients may go, who is called when nobody answers. It
// puts what they decided over what the agent's configuration says, and reads
// and writes it as people do.
//
// It never keeps anything (agent/store does), never speaks to a kiosk, and says
// nothing of a client.
//
// Caveat: an Edit holds only what differs from the configuration at that time.
// What it does not hold follows the configuration, also later.
package premises

import (
	"reflect"
	"slices"
	"time"

	"yhteiskone/internal/fleet"
)

// Field is one thing that a site may decide.
type Field string

// The fields.
const (
	Hours     Field = "hours"
	Days      Field = "days" // that differ; kept with Hours
	Support   Field = "support"
	Phone     Field = "phone"
	Welcome   Field = "welcome"
	Offer     Field = "offer"
	Languages Field = "languages"
	Mode      Field = "mode"
	Blocked   Field = "blocked"
	Idle      Field = "idle"
	Limit     Field = "limit"
	Notice    Field = "notice"
	Help      Field = "help"
)

// Fields lists those that an Edit may hold, in the order of the page.
func Fields() []Field {
	return []Field{Hours, Support, Phone, Welcome, Offer, Languages, Mode, Blocked, Idle, Limit, Notice, Help}
}

// Call is who is told of a call for help that nobody answers.
type Call struct {
	After time.Duration
	To    fleet.SiteID // whose staff it rings at as well; empty: nobody's
}

// Values are all that a site may decide. The names in Settings count for
// nothing here.
type Values struct {
	fleet.Settings
	Call Call
}

// Edit is what a site has decided: of Values the named fields.
type Edit struct {
	Fields []Field
	Values Values
}

// Version is one state of a site's decisions; every one is kept.
type Version struct {
	N        uint64 // of the site, from 1
	At       time.Time
	Who      string
	Back     uint64 // the version that it went back to; 0: it is new
	Settings uint64 // fleet.Settings.Version from which kiosks serve so
	Edit     Edit
}

// Over puts the decisions over what holds without them.
func (e Edit) Over(v Values) Values {
	for _, f := range e.Fields {
		f.copy(&v, e.Values)
	}
	return v
}

// Between is what leads from one to the other.
func Between(from, to Values) Edit {
	var e Edit
	for _, f := range Fields() {
		a, b := Values{}, Values{}
		f.copy(&a, from)
		f.copy(&b, to)
		if !reflect.DeepEqual(a.plain(), b.plain()) {
			e.Fields = append(e.Fields, f)
			f.copy(&e.Values, to)
		}
	}
	return e
}

func (f Field) copy(to *Values, from Values) {
	switch f {
	case Hours:
		to.Hours = from.Hours
	case Support:
		to.Support = slices.Clone(from.Support)
	case Phone:
		to.Phone = from.Phone
	case Welcome:
		to.Welcome = from.Welcome
	case Offer:
		to.Offer = from.Offer
	case Languages:
		to.Languages = slices.Clone(from.Languages)
	case Mode:
		to.Mode = from.Mode
	case Blocked:
		to.Blocked = slices.Clone(from.Blocked)
	case Idle:
		to.Idle = from.Idle
	case Limit:
		to.Limit = from.Limit
	case Notice:
		to.Notice = from.Notice
	case Help:
		to.Call = from.Call
	}
}

// plain makes two values that mean the same the same.
func (v Values) plain() Values {
	if len(v.Blocked) == 0 {
		v.Blocked = nil
	}
	if len(v.Languages) == 0 {
		v.Languages = nil
	}
	var support []fleet.Support
	for _, s := range v.Support {
		support = append(support, fleet.Support{From: s.From.UTC(), To: s.To.UTC()})
	}
	v.Support = support
	if v.Hours != nil {
		h := fleet.Hours{Days: map[string][]fleet.Span{}}
		for d, spans := range v.Hours.Week {
			h.Week[d] = append([]fleet.Span{}, spans...)
		}
		for d, spans := range v.Hours.Days {
			h.Days[d] = append([]fleet.Span{}, spans...)
		}
		v.Hours = &h
	}
	return v
}
