package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"time"
)

// Health is how the agent itself is. Nothing of it is about a site.
type Health struct {
	Started     time.Time
	Kiosks      int
	Connected   int // kiosks
	Connections int // of everybody
	Refused     uint64
	Store       int64 // bytes
	Free        int64 // bytes, on its disk
	Failing     bool  // the newest write did not get through
	Backup      BackupHealth
	Mended      MendedHealth
	Certificate time.Time // when the one for browsers ends; zero: the agent's own, which it renews
	Plain       bool      // no TLS: somebody else does it, or nobody does
	Goroutines  int
	Memory      int64         // bytes
	ClockOff    time.Duration // by which most machines say that the agent's clock is behind; 0: it agrees with them
}

// BackupHealth is how the agent's backups are.
type BackupHealth struct {
	Never  bool      // switched off
	At     time.Time // the newest; zero: none yet
	Bytes  int64
	Count  int
	Failed bool // the newest try
}

// MendedHealth says that a backup took the place of damaged data; zero: never.
type MendedHealth struct {
	At, Made time.Time
	Kept     string
}

// agentContent is the page about the agent itself.
type agentContent struct {
	Wrong []template.HTML // sentences about what somebody must do
	Lines []agentLine
}

type agentLine struct{ Name, Value template.HTML }

// certificateSoon is how long before its end a certificate is a worry: what
// renews itself does so earlier.
const certificateSoon = 14 * 24 * time.Hour

func (b *board) agentPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.show(w, r, v, http.StatusOK, frame{Page: "agent", Title: v.tell.say("agent.title"), Refresh: true,
		Content: agentContent{b.agentWrong(v.tell, b.Health()), b.agentLines(v.tell, b.Health())}})
}

func (b *board) agentWrong(t teller, h Health) (all []template.HTML) {
	say := func(is bool, key string, args ...any) {
		if is {
			all = append(all, t.say(key, args...))
		}
	}
	say(h.Failing, "agent.failing")
	say(h.ClockOff > 0, "agent.clock_behind", "span", t.span(h.ClockOff))
	say(h.ClockOff < 0, "agent.clock_ahead", "span", t.span(-h.ClockOff))
	say(!h.Mended.At.IsZero() && t.now().Sub(h.Mended.At) < 30*24*time.Hour, "agent.mended",
		"when", t.when(h.Mended.At), "made", t.when(h.Mended.Made), "folder", h.Mended.Kept)
	say(h.Backup.Failed, "agent.backup_failed")
	say(h.Backup.Never, "agent.backup_never")
	say(!h.Certificate.IsZero() && h.Certificate.Sub(t.now()) < certificateSoon, "agent.certificate_soon", "when", t.when(h.Certificate))
	return all
}

func (b *board) agentLines(t teller, h Health) []agentLine {
	backup := t.say("agent.backup_none")
	switch {
	case !h.Backup.At.IsZero():
		backup = t.say("agent.backup_value", "when", t.when(h.Backup.At), "size", t.megabytes(h.Backup.Bytes), "n", h.Backup.Count)
	case h.Backup.Never:
		backup = t.say("agent.backup_off")
	}
	certificate := t.say("agent.certificate_own")
	switch {
	case h.Plain:
		certificate = t.say("agent.certificate_none")
	case !h.Certificate.IsZero():
		certificate = t.say("agent.certificate_until", "when", t.when(h.Certificate))
	}
	return []agentLine{
		{t.say("agent.kiosks"), t.say("agent.kiosks_value", "n", h.Connected, "all", h.Kiosks)},
		{t.say("agent.connections"), t.say("agent.connections_value", "n", h.Connections, "refused", h.Refused, "live", len(b.streams))},
		{t.say("agent.store"), t.say("agent.store_value", "size", t.megabytes(h.Store), "free", t.gigabytes(uint64(h.Free)))},
		{t.say("agent.backup"), backup},
		{t.say("agent.certificate"), certificate},
		{t.say("agent.memory"), t.say("agent.memory_value", "size", t.megabytes(h.Memory), "n", h.Goroutines)},
		{t.say("agent.started"), t.when(h.Started)},
	}
}

// megabytes says an amount of disk or memory in whole megabytes.
func (t teller) megabytes(n int64) template.HTML {
	if n > 0 && n < 1<<20 {
		return t.say("agent.megabyte_less")
	}
	return t.say("agent.megabytes", "n", fmt.Sprint(n>>20))
}
