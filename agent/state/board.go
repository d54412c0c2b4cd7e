package state

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"yhteiskone/internal/fleet"
)

// Board is "now" for every kiosk. All its methods may be called from any
// goroutine and none of them waits for anything but the others.
type Board struct {
	judge   Judge
	outlook Outlook // nil: nobody judges sites

	mu      sync.Mutex
	kiosks  map[fleet.KioskID]*entry
	order   []*entry // by site name, then kiosk name; nil when it must be made anew
	readers map[*reader]struct{}
	sites   map[fleet.SiteID]*site
	wide    wide
	clock   clock

	altered   map[fleet.KioskID]bool // whose faults are others than when Altered was asked last
	otherwise Place                  // of sites of which nobody says how they are watched
	builds    map[string]string      // one copy of each build's name
}

// entry is one kiosk. epoch tells its connections apart, so that what an old
// one still says cannot change what a newer one said.
type entry struct {
	view     View
	open     []Fault
	proof    Proof
	epoch    uint64
	turned   time.Time // when Connected changed
	clockOff time.Duration
	next     time.Time
	site     *site
	boot     string // of the run of the kiosk's program that was heard last
	starts   []time.Time
	served   served
}

// NewBoard returns an empty board.
func NewBoard(judge Judge) *Board {
	return &Board{judge: judge, kiosks: map[fleet.KioskID]*entry{}, readers: map[*reader]struct{}{},
		sites: map[fleet.SiteID]*site{}, altered: map[fleet.KioskID]bool{}, builds: map[string]string{}, wide: wide{began: time.Now()}}
}

// Known is what the disk remembers of a kiosk when the agent starts.
type Known struct {
	Kiosk    fleet.Kiosk
	SiteName string
	LastSeen time.Time
	Faults   []Fault // open when the agent stopped
	Proof    Proof
	Help     *fleet.HelpCall
}

// Put adds a kiosk, or renames one that is there.
func (b *Board) Put(k Known) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.order = nil
	at := b.siteAt(k.Kiosk.Site)
	at.view.Name = k.SiteName
	e, ok := b.kiosks[k.Kiosk.ID]
	if ok {
		e.view.Kiosk, e.view.SiteName, e.site = k.Kiosk, k.SiteName, at
		b.changed(e)
		return
	}
	e = &entry{open: k.Faults, proof: k.Proof, turned: cmp.Or(k.LastSeen, k.Kiosk.Enrolled), site: at, served: served{upTo: time.Now()}}
	e.view = View{Kiosk: k.Kiosk, SiteName: k.SiteName, LastSeen: k.LastSeen, Help: k.Help, Proof: k.Proof.Newest}
	b.kiosks[k.Kiosk.ID] = e
	b.changed(e)
	e.view.Since = e.turned
}

// NameSite renames a site on all its kiosks.
func (b *Board) NameSite(site fleet.SiteID, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.siteAt(site).view.Name = name
	for _, e := range b.kiosks {
		if e.view.Kiosk.Site == site && e.view.SiteName != name {
			e.view.SiteName = name
			b.order = nil
			b.tell(Change{e.view.Kiosk.ID})
		}
	}
}

// Kiosk returns the kiosk and whether there is one.
func (b *Board) Kiosk(id fleet.KioskID) (fleet.Kiosk, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.kiosks[id]
	if !ok {
		return fleet.Kiosk{}, false
	}
	return e.view.Kiosk, true
}

// Connected says that a connection of the kiosk was made, and returns its
// epoch. It takes the place of any connection before it.
func (b *Board) Connected(id fleet.KioskID) (epoch uint64) {
	b.with(id, func(e *entry) {
		now := time.Now()
		e.epoch++
		epoch = e.epoch
		if !e.view.Connected {
			e.view.Connected, e.turned = true, now
		}
		e.view.LastSeen = now
	})
	return epoch
}

// Gone says that the connection of this epoch ended. If a newer one was made
// since, nothing changes.
func (b *Board) Gone(id fleet.KioskID, epoch uint64) {
	b.withEpoch(id, epoch, func(e *entry) {
		if e.view.Connected {
			e.view.Connected, e.turned = false, time.Now()
		}
	})
}

// Report takes in a report that came over the connection of this epoch; that
// of an older one is passed over.
func (b *Board) Report(id fleet.KioskID, epoch uint64, r fleet.Report) {
	b.withEpoch(id, epoch, func(e *entry) {
		e.view.LastSeen = time.Now()
		e.view.Report = &r
		e.clockOff = r.At.Sub(e.view.LastSeen)
	})
}

// Wired returns the hardware addresses of wired cards that are news since it
// was asked before.
func (b *Board) Wired() map[fleet.KioskID]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var news map[fleet.KioskID]string
	for id, e := range b.kiosks {
		if e.view.Report == nil || e.view.Report.Health.WiredMAC == nil {
			continue
		}
		if mac := *e.view.Report.Health.WiredMAC; mac != e.view.Kiosk.WiredMAC {
			if news == nil {
				news = map[fleet.KioskID]string{}
			}
			news[id], e.view.Kiosk.WiredMAC = mac, mac
		}
	}
	return news
}

// Proof says where the kiosk stands with its proofs.
func (b *Board) Proof(id fleet.KioskID, p Proof) {
	b.with(id, func(e *entry) { e.proof, e.view.Proof = p, p.Newest })
}

// Help opens a help call, or brings its answer.
func (b *Board) Help(call fleet.HelpCall) {
	b.with(call.Kiosk, func(e *entry) { e.view.Help = &call })
}

// HelpOver closes the help call; another call of the same kiosk stays.
func (b *Board) HelpOver(id fleet.KioskID, call string) {
	b.with(id, func(e *entry) {
		if e.view.Help != nil && e.view.Help.ID == call {
			e.view.Help = nil
		}
	})
}

// Run judges anew what changes by the passing of time alone, until the
// context ends.
func (b *Board) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	b.due(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			b.due(now)
		}
	}
}

func (b *Board) due(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heed(now)
	b.compare()
	b.survey(now)
	for _, e := range b.kiosks {
		if !e.next.IsZero() && !now.Before(e.next) {
			b.changed(e)
		}
	}
}

// Views returns every kiosk, ordered by site name, then kiosk name.
func (b *Board) Views() []View { return b.AppendViews(nil) }

// AppendViews is Views for whoever asks every few seconds: it appends them to
// what was got before.
func (b *Board) AppendViews(views []View) []View {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.order == nil {
		for _, e := range b.kiosks {
			b.order = append(b.order, e)
		}
		slices.SortFunc(b.order, func(x, y *entry) int {
			return cmp.Or(naturally(x.view.SiteName, y.view.SiteName), naturally(x.view.Kiosk.Name, y.view.Kiosk.Name),
				cmp.Compare(x.view.Kiosk.ID, y.view.Kiosk.ID))
		})
	}
	views = slices.Grow(views, len(b.order))
	for _, e := range b.order {
		views = append(views, e.view.copy())
	}
	return views
}

// Altered returns the kiosks whose faults, shown or folded, changed since it was
// asked before. One may be what it was by now.
func (b *Board) Altered() []fleet.KioskID {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := slices.Collect(maps.Keys(b.altered))
	clear(b.altered)
	return ids
}

// View returns one kiosk and whether there is one.
func (b *Board) View(id fleet.KioskID) (View, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.kiosks[id]
	if !ok {
		return View{}, false
	}
	return e.view.copy(), true
}

// Seen returns when each kiosk was last seen, of those that ever were.
func (b *Board) Seen() map[fleet.KioskID]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := make(map[fleet.KioskID]time.Time, len(b.kiosks))
	for id, e := range b.kiosks {
		if !e.view.LastSeen.IsZero() {
			seen[id] = e.view.LastSeen
		}
	}
	return seen
}

func (b *Board) with(id fleet.KioskID, change func(*entry)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.kiosks[id]; ok {
		change(e)
		b.changed(e)
	}
}

func (b *Board) withEpoch(id fleet.KioskID, epoch uint64, change func(*entry)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.kiosks[id]; ok && e.epoch == epoch {
		change(e)
		b.changed(e)
	}
}

// changed judges the kiosk anew and tells the subscribers.
func (b *Board) changed(e *entry) {
	now := time.Now()
	v := b.judge(Facts{Now: now, Connected: e.view.Connected, LastSeen: e.view.LastSeen, Since: e.turned,
		Report: e.view.Report, ClockOff: e.clockOff - b.clock.off, Proof: e.proof, Help: e.view.Help,
		Build: e.view.Build, Starts: e.starts, Around: e.site.view.Around}, e.open)
	if !slices.Equal(e.view.Faults, v.Shown) || !slices.Equal(e.view.Folded, v.Folded) {
		b.altered[e.view.Kiosk.ID] = true
	}
	e.open, e.view.Faults, e.view.Folded, e.next = v.Open, v.Shown, v.Folded, v.Next
	if v.Status != e.view.Status {
		b.count(e, now)
		e.view.Status, e.view.Since = v.Status, now
	}
	b.tell(Change{e.view.Kiosk.ID})
}

// copy shares nothing that anybody changes: reports, proofs and calls are
// replaced as a whole, never written to.
func (v View) copy() View {
	v.Faults, v.Folded = slices.Clone(v.Faults), slices.Clone(v.Folded)
	return v
}
