package watch

import (
	"slices"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Limits of readings, beyond which they are faults.
const (
	clockSlack  = 5 * time.Minute
	diskShare   = 0.05
	diskLeast   = 100 << 20
	memoryShare = 0.06
	memoryLeast = 150 << 20
	cpuMost     = 95
	hottest     = 90
)

// How long what is no trouble for a while may last.
const (
	callUnheard = 2 * time.Minute
	lateTime    = 10 * time.Minute // from the opening until a machine must be on
	siteTime    = 30 * time.Second // the losses of a site are noticed one after the other
	plugTime    = 10 * time.Second // a device that is plugged in comes in parts
	chargeTime  = 20 * time.Minute // clients charge their phones
	unsetTime   = 30 * time.Minute // a time server is asked now and then
	updateTime  = 24 * time.Hour   // updates come every day and go in at night
	clockTime   = time.Minute      // by then enough machines have reported to know whose clock it is
	imageTime   = 3 * 24 * time.Hour
)

// A kiosk whose program starts so often in so short a time is not well.
const (
	startsMost = 3
	startsTime = 30 * time.Minute
)

func health(f *state.Facts) *fleet.Health {
	if f.Report == nil {
		return &fleet.Health{} // nothing is known
	}
	return &f.Report.Health
}

func is(v *bool, want bool) bool { return v != nil && *v == want }

// says is a reading that is as it should not be.
func says(reading func(*fleet.Health) *bool, bad bool) func(*state.Facts) bool {
	return func(f *state.Facts) bool { return is(reading(health(f)), bad) }
}

// none is a count of what must be there and is not.
func none(reading func(*fleet.Health) *int) func(*state.Facts) bool {
	return func(f *state.Facts) bool { n := reading(health(f)); return n != nil && *n == 0 }
}

// some is a count of what should not be there and is.
func some(reading func(*fleet.Health) *int) func(*state.Facts) bool {
	return func(f *state.Facts) bool { n := reading(health(f)); return n != nil && *n > 0 }
}

// withoutTouch is what is missing on a machine whose screen cannot be touched;
// one with a touch screen shows a keyboard of its own.
func withoutTouch(reading func(*fleet.Health) *int) func(*state.Facts) bool {
	missing := none(reading)
	return func(f *state.Facts) bool { return missing(f) && !is(health(f).Touch, true) }
}

func reported(code fleet.Code) func(*state.Facts) bool {
	return func(f *state.Facts) bool { return f.Report != nil && slices.Contains(f.Report.Faults, code) }
}

// missed is a machine that should be there and is not: at night it need not.
func missed(f *state.Facts) bool { return !f.Connected && !f.Around.Closed }

// overnight is a machine that was not there at the opening already.
func overnight(f *state.Facts) bool {
	return !f.Around.Turned.IsZero() && f.Since.Before(f.Around.Turned)
}

// restartsOften looks at the newest starts only: how many there were before
// does not matter.
func restartsOften(f *state.Facts) bool {
	n := len(f.Starts)
	return n >= startsMost && f.Now.Sub(f.Starts[n-startsMost]) < startsTime && !f.Starts[n-startsMost].After(f.Now)
}

// imageOutdated needs both names: nobody said which build the site should run,
// or the kiosk does not say which one it runs, and there is nothing to compare.
func imageOutdated(f *state.Facts) bool {
	return f.Around.Build != "" && f.Build != "" && f.Build != f.Around.Build
}

// servicesDown is what the kiosk's probe found. It waits for nothing: the
// probe asked twice.
func servicesDown(f *state.Facts) bool { return f.Report != nil && len(f.Report.Serves.Down) > 0 }

// wipeUnverified rests on the kiosk's own word and on its newest proof: either
// is enough, and neither is forgiven because the kiosk fell silent.
func wipeUnverified(f *state.Facts) bool {
	return f.Report != nil && slices.Contains(f.Report.Faults, fleet.WipeUnverified) ||
		f.Proof.Newest != nil && !f.Proof.Newest.Clean && !newerCleanClaim(f)
}

// newerCleanClaim reports whether the kiosk says that it has a newer, clean
// proof; the proof itself is on its way.
func newerCleanClaim(f *state.Facts) bool {
	return f.Report != nil && f.Report.Proof != nil && f.Report.Proof.Clean && f.Report.Proof.Seq > f.Proof.Newest.Seq
}

func shellNotPainting(f *state.Facts) bool {
	return f.Report != nil && (slices.Contains(f.Report.Faults, fleet.ShellNotPainting) || is(health(f).ShellPaints, false))
}

func browserFailing(f *state.Facts) bool {
	return f.Report != nil && (slices.Contains(f.Report.Faults, fleet.BrowserFailing) ||
		f.Report.State.InSession() && is(health(f).BrowserAlive, false))
}

func browserMisplaced(f *state.Facts) bool {
	return f.Report != nil && (slices.Contains(f.Report.Faults, fleet.BrowserMisplaced) ||
		f.Report.State.InSession() && is(health(f).BrowserInPlace, false))
}

func diskFull(f *state.Facts) bool {
	h := health(f)
	return f.Report != nil && slices.Contains(f.Report.Faults, fleet.DiskFull) ||
		h.DiskFree != nil && short(*h.DiskFree, h.DiskTotal, diskShare, diskLeast)
}

func memoryLow(f *state.Facts) bool {
	h := health(f)
	return h.MemoryFree != nil && short(*h.MemoryFree, h.MemoryTotal, memoryShare, memoryLeast)
}

func short(free uint64, total *uint64, share float64, least uint64) bool {
	return free < least || total != nil && float64(free) < share*float64(*total)
}

func cpuBusy(f *state.Facts) bool { c := health(f).CPUPercent; return c != nil && *c >= cpuMost }

func tooHot(f *state.Facts) bool { t := health(f).TemperatureC; return t != nil && *t >= hottest }

func clockWrong(f *state.Facts) bool { return f.Report != nil && f.ClockOff.Abs() > clockSlack }

func helpUnanswered(f *state.Facts) bool { return f.Help != nil && f.Help.Answer == fleet.NoAnswer }
