package dashboard

import (
	"cmp"
	"html/template"
	"net/http"
	"time"

	"yhteiskone/internal/fleet"
)

// signContent is a sign to be printed and fixed to a machine that is out of
// service. It says the same in every language: nobody knows who will stand
// before it.
type signContent struct {
	ID    fleet.KioskID
	Where string
	Words []signWords
	Note  string
	Day   string
}

type signWords struct {
	Lang        string
	Title, Text template.HTML
}

func (b *board) signPage(w http.ResponseWriter, r *http.Request, v visit) {
	s := v.view
	note, err := b.Actions.Note(s.Kiosk.ID)
	if err != nil {
		b.Log.Error("read why a machine is out of service", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	at := note.At
	if at.IsZero() {
		at = cmp.Or(s.Since, time.Time(b.Now()))
	}
	c := signContent{ID: s.Kiosk.ID, Where: s.SiteName + ", " + s.Kiosk.Name, Note: note.Text, Day: at.In(b.Location).Format("2.1.2006")}
	for _, l := range languages() {
		t := b.teller(l)
		c.Words = append(c.Words, signWords{l, t.say("sign.title"), t.say("sign.text")})
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "sign", Title: v.tell.say("sign.print"), Content: c})
}
