package dashboard

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// sheetContent is the acceptance sheet of one machine, to be read on a screen
// and printed on one page.
type sheetContent struct {
	ID, Where string
	Do        kioskDo // asking for a new one
	Waiting   bool    // one was asked for and has not come
	Any       bool
	Headline  string
	Good      bool
	Much      bool // is not as it should be: it is printed smaller
	More      []string
	Todo      []sheetTodo
	Hand      []sheetHand
	Parts     []sheetPart
	Proof     *fleet.ProofSummary
	At        time.Time
	Who       string
	Build     string
	Image     string
	Hardware  string
	Command   string
	Signature string
	May       bool // say what was tried
}

// sheetTodo is one thing to do, and the rows that it is for.
type sheetTodo struct {
	Text string
	Rows string
}

// sheetHand is one way out for a person to try.
type sheetHand struct {
	Way       int
	Name, How string
	By        string // who did; empty if nobody has
	At        time.Time
}

type sheetPart struct {
	Name    string
	Heading string
	Rows    []sheetRow
}

type sheetRow struct {
	N           int // of a way out; else 0
	Name, Value string
	Mark        string
	Class       string // "open" for what is not as it should be
}

func (b *board) sheetPage(w http.ResponseWriter, r *http.Request, v visit) {
	s := v.view
	kept, err := b.Sheets.Sheet(s.Kiosk.ID)
	waiting, err2 := b.Actions.Waiting(s.Kiosk.ID)
	if err := errors.Join(err, err2); err != nil {
		b.Log.Error("read an acceptance sheet", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	where := s.SiteName + ", " + s.Kiosk.Name
	if s.Kiosk.Place != "" {
		where += " (" + s.Kiosk.Place + ")"
	}
	c := sheetContent{ID: string(s.Kiosk.ID), Where: where, May: v.may(staff.CheckKiosk, s.Kiosk.Site), Any: !kept.At.IsZero(),
		Waiting: slices.ContainsFunc(waiting, func(w fleet.Command) bool { return w.Name == fleet.Check })}
	if c.May {
		c.Do = kioskDo{ID: s.Kiosk.ID, Any: true, Buttons: []doButton{{fleet.Check, "check", true}}}
	}
	if c.Any {
		kept = kept.Against(s)
		lang, result := v.tell.lang, kept.Result()
		c.Good, c.Much = result.Accepted(), result.Ways.Open()+result.Rest.Open() > 10
		c.Headline, c.More = b.Words.Result(lang, kept.Sheet, result)
		c.Parts, c.Todo = b.sheetRows(lang, kept)
		for _, n := range fleet.WaysByHand() {
			row := fleet.SheetRow{Code: fleet.WayCode(n), Mark: fleet.ByHand}
			h := sheetHand{Way: n}
			h.Name, h.How = b.Words.Row(lang, row)
			if t, ok := kept.Tried[n]; ok {
				h.By, h.At = b.shown(t.Who), t.At
			}
			c.Hand = append(c.Hand, h)
		}
		c.Proof, c.At, c.Who, c.Build, c.Image = kept.Sheet.Proof, kept.Sheet.At, b.shown(kept.Who), kept.Sheet.Build, kept.Sheet.Image
		c.Hardware, c.Command, c.Signature = kept.Sheet.Hardware, kept.Sheet.Command, base64.StdEncoding.EncodeToString(kept.Sheet.Signature)
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "sheet", Title: v.tell.say("sheet.title"), Content: c})
}

// sheetRows are the rows by part, and what to do about those that are not as
// they should be: the same thing is said once.
func (b *board) sheetRows(lang string, kept state.KeptSheet) (parts []sheetPart, todo []sheetTodo) {
	judged := map[string]fleet.SheetRow{}
	for _, row := range kept.Sheet.Judged() {
		judged[row.Code] = row
	}
	rows, numbers := map[string][]string{}, map[string][]string{} // numbers: of ways out, which come last
	for _, p := range fleet.SheetParts() {
		part := sheetPart{Name: p.Name, Heading: b.Words.Part(lang, p.Name)}
		for _, code := range p.Codes {
			row := judged[code]
			name, do := b.Words.Row(lang, row)
			shown := sheetRow{Name: name, Value: row.Value, Mark: b.Words.Mark(lang, row.Mark)}
			if row.Mark == fleet.Failed || row.Mark == fleet.Unknown {
				shown.Class = "open"
				if len(rows[do]) == 0 {
					todo = append(todo, sheetTodo{Text: do})
				}
				rows[do] = append(rows[do], name)
			}
			if p.Name == "ways" {
				fmt.Sscanf(code, "way_%d", &shown.N)
				if shown.Class == "open" {
					numbers[do] = append(numbers[do], strconv.Itoa(shown.N))
				}
				if _, tried := kept.Tried[shown.N]; tried && row.Mark == fleet.ByHand {
					shown.Mark = b.Words.Mark(lang, "tried")
				}
			}
			part.Rows = append(part.Rows, shown)
		}
		parts = append(parts, part)
	}
	for i := range todo {
		names := rows[todo[i].Text]
		if numbers := numbers[todo[i].Text]; len(numbers) > 4 {
			names = append(names[:len(names)-len(numbers)], b.Words.Part(lang, "ways")+": "+strings.Join(numbers, " "))
		}
		todo[i].Rows = strings.Join(names, ", ")
	}
	return parts, todo
}

// tryWay keeps that somebody tried a way out by hand.
func (b *board) tryWay(w http.ResponseWriter, r *http.Request, v visit) {
	way, err := strconv.Atoi(r.PostFormValue("way"))
	if err == nil {
		err = b.Sheets.Try(r.Context(), v.person.Name, v.view.Kiosk.ID, r.PostFormValue("command"), way)
	}
	flash := "way_tried"
	if err != nil {
		flash = "sheet_failed"
		if !errors.Is(err, ErrNoSheet) && !errors.Is(err, strconv.ErrSyntax) {
			b.Log.Error("keep what was tried", "err", err)
		}
	}
	b.Staff.SetFlash(r.Context(), flash)
	http.Redirect(w, r, "/kiosks/"+string(v.view.Kiosk.ID)+"/sheet", http.StatusSeeOther)
}
