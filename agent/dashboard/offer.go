package dashboard

import (
	"html/template"
	"net/http"

	"yhteiskone/agent/premises"
	"yhteiskone/internal/fleet"
)

// offerLine is one service that every machine has, on the page of a site's
// settings.
type offerLine struct {
	ID, Name, Place string
	Bad             bool
}

// ownLine is one service of the centre's own.
type ownLine struct {
	ID   string
	N    int // from 1
	Form premises.OwnForm
	Bad  string // which of its inputs is wrong: a premises.Why
}

// offerLines are the services as the form has them, with room for two more of
// the centre's own.
func (b *board) offerLines(v visit, f premises.Form, problem error) (offered []offerLine, own []ownLine) {
	wrong, _ := problem.(premises.Problem)
	if wrong.Field != premises.Offer {
		wrong = premises.Problem{}
	}
	for _, e := range fleet.OfferEntries() {
		offered = append(offered, offerLine{e.ID, e.Name.In(v.tell.lang), f.Places[e.ID], wrong.Line == e.ID})
	}
	for i := range min(len(f.Own)+2, fleet.ShownMost) {
		l := ownLine{ID: fleet.OwnID(i), N: i + 1}
		if i < len(f.Own) {
			l.Form = f.Own[i]
		}
		if wrong.Line == l.ID {
			l.Bad = wrong.Why
		}
		own = append(own, l)
	}
	return offered, own
}

// offerProblem says which service is wrong, and how it is right.
func offerProblem(v visit, p premises.Problem) template.HTML {
	var name template.HTML
	for _, e := range fleet.OfferEntries() {
		if e.ID == p.Line {
			name = template.HTML(template.HTMLEscapeString(e.Name.In(v.tell.lang)))
		}
	}
	for i := range fleet.ShownMost {
		if fleet.OwnID(i) == p.Line {
			name = v.tell.say("place.own", "n", i+1)
		}
	}
	return v.tell.say("place.problem.offer_"+p.Why, "name", name)
}

// readOfferForm reads the services that a form has; those of the centre's own
// that are blank at its end are nothing.
func readOfferForm(r *http.Request) (places map[string]string, own []premises.OwnForm) {
	places = map[string]string{}
	for _, e := range fleet.OfferEntries() {
		places[e.ID] = r.PostFormValue("at_" + e.ID)
	}
	for i := range fleet.ShownMost {
		id := fleet.OwnID(i)
		own = append(own, premises.OwnForm{Name: fleet.Text{FI: r.PostFormValue(id + "_fi"), SV: r.PostFormValue(id + "_sv"), EN: r.PostFormValue(id + "_en")},
			Address: r.PostFormValue(id + "_address"), Hosts: r.PostFormValue(id + "_hosts"), Place: r.PostFormValue("at_" + id)})
	}
	for len(own) > 0 && own[len(own)-1].Blank() {
		own = own[:len(own)-1]
	}
	return places, own
}
