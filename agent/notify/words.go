package notify

import (
	"cmp"
	"embed"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"
)

//go:embed text/*.toml
var textFiles embed.FS

// Languages lists the languages of messages.
func Languages() []string { return []string{"fi", "sv", "en"} }

// words are the templates by language and key. They are part of the program,
// so a broken one is a bug and no error that somebody could act on.
var words = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range Languages() {
		raw, err := textFiles.ReadFile("text/" + lang + ".toml")
		w := map[string]string{}
		if err == nil {
			err = toml.Unmarshal(raw, &w)
		}
		if err != nil {
			panic(fmt.Sprintf("read the embedded texts %s: %v", lang, err))
		}
		all[lang] = w
	}
	return all
})

// letterOf is a message in words.
type letterOf struct {
	Subject string
	Parts   []part
	Link    string // to the dashboard
	Look    string // what the link is called
	Urgent  bool
}

// part is one event in words: what, and below it what to do and since when.
type part struct {
	Head  string
	Below []string
	Link  string
}

// teller says events in one language.
type teller struct {
	words   map[string]string
	lang    string
	texts   Texts
	now     time.Time
	at      *time.Location
	address string
}

func (n *Notifier) teller(lang string, now time.Time) teller {
	return teller{words()[lang], lang, n.c.Texts, now, n.c.Location, strings.TrimSuffix(n.c.Address(), "/")}
}

func (t teller) say(key string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(t.words[key])
}

// when is a point in time, with its day unless that is today.
func (t teller) when(at time.Time) string {
	at = at.In(t.at)
	clock := strings.TrimPrefix(at.Format(t.words["time"]), "0")
	if y, m, d := t.now.In(t.at).Date(); y == at.Year() && m == at.Month() && d == at.Day() {
		return t.say("at", "time", clock)
	}
	return t.say("at_day", "time", clock, "day", at.Format(t.words["day"]))
}

// where names a machine or a site.
func where(e Event) string {
	if e.Kiosk == "" {
		return e.SiteName
	}
	return e.SiteName + ", " + e.Name
}

// where names a machine, a site, or what belongs to none.
func (t teller) where(e Event) string { return cmp.Or(where(e), t.words["agent"]) }

// letter puts events into words. What opened and closed within one message is
// one part.
func (t teller) letter(events []Event) letterOf {
	var l letterOf
	ended := map[string]Event{}
	opened := map[string]bool{}
	for _, e := range events {
		switch e.Kind {
		case FaultClosed:
			ended[e.Incident] = e
		case FaultOpened:
			opened[e.Incident] = true
		}
	}
	for _, e := range events {
		var p part
		text, todo := "", ""
		if e.Code != "" {
			text, todo = t.texts.Fault(t.lang, e.Code)
		}
		switch e.Kind {
		case FaultOpened:
			p.Head = t.say("opened", "where", t.where(e), "text", text)
			if end, over := ended[e.Incident]; over {
				p.Below = []string{t.say("lasted", "from", t.when(e.Began), "to", t.when(end.At))}
				break
			}
			p.Below = []string{todo, t.say("began", "when", t.when(e.Began))}
		case FaultClosed:
			if opened[e.Incident] {
				continue
			}
			key := "closed"
			if e.Kiosk == "" {
				key = "closed_site"
			}
			p.Head = t.say(key, "where", t.where(e))
			p.Below = []string{t.say("was", "text", text), t.say("lasted", "from", t.when(e.Began), "to", t.when(e.At))}
		case HelpWaits:
			l.Urgent = true
			p.Head = t.say("help", "where", where(e))
			p.Below = []string{t.say("help_todo", "when", t.when(e.Began))}
		case Test:
			p.Head = t.say("test")
			p.Below = []string{t.say("test_todo")}
		default:
			continue
		}
		if e.Kiosk != "" {
			p.Link = t.address + "/kiosks/" + url.PathEscape(string(e.Kiosk))
		}
		l.Parts = append(l.Parts, p)
	}
	l.Link, l.Look = t.address+"/", t.words["look"]
	if len(l.Parts) == 1 {
		l.Subject = l.Parts[0].Head
		if l.Parts[0].Link != "" {
			l.Link = l.Parts[0].Link
		}
	} else {
		l.Subject = t.say("many", "n", fmt.Sprint(len(l.Parts)))
	}
	return l
}

// plain is the letter as text.
func (l letterOf) plain() string {
	var s strings.Builder
	for i, p := range l.Parts {
		if i > 0 {
			s.WriteString("\n")
		}
		s.WriteString(p.Head + "\n")
		for _, line := range p.Below {
			s.WriteString(line + "\n")
		}
	}
	return s.String()
}
