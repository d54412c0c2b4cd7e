package dashboard

import (
	"errors"
	"net/http"

	"yhteiskone/agent/staff"
)

// signInContent is every page on which somebody says who they are.
type signInContent struct {
	Name     string
	Next     string
	First    bool   // the part with the one-time code is open
	Problem  string // key
	Provider string // name of the service that vouches for people; empty: none
	Empty    bool   // nobody has an account yet
}

func (b *board) signInContent(r *http.Request, first bool) signInContent {
	return signInContent{Name: r.FormValue("name"), Next: home(r.FormValue("next")), First: first,
		Provider: b.providerName(), Empty: b.Staff.FirstOpen()}
}

func (b *board) providerName() string {
	if !b.Staff.HasProvider() {
		return ""
	}
	return b.Provider
}

func (b *board) signInPage(w http.ResponseWriter, r *http.Request, v visit) {
	if v.person.Name != "" {
		http.Redirect(w, r, home(r.FormValue("next")), http.StatusSeeOther)
		return
	}
	b.showSignIn(w, r, v, http.StatusOK, "sign_in", b.signInContent(r, r.FormValue("first") != ""))
}

// showSignIn draws one of the pages for somebody who is not in.
func (b *board) showSignIn(w http.ResponseWriter, r *http.Request, v visit, status int, page string, c signInContent) {
	v.person = staff.Person{}
	b.show(w, r, v, status, frame{Page: page, Title: v.tell.say(page + ".title"), Content: c})
}

func (b *board) signIn(w http.ResponseWriter, r *http.Request, v visit) {
	c := b.signInContent(r, r.PostFormValue("way") == "code")
	var err error
	switch {
	case !c.First:
		err = b.Staff.SignIn(r, c.Name, r.PostFormValue("password"))
	case r.PostFormValue("new") != r.PostFormValue("again"):
		err = staff.PasswordDiffer
	default:
		err = b.Staff.SignInWithCode(r, c.Name, r.PostFormValue("code"), r.PostFormValue("new"))
	}
	b.arrive(w, r, v, "sign_in", c, err)
}

// arrive answers to a step of signing in: inside, on to the second step, or
// the same page again with what is wrong.
func (b *board) arrive(w http.ResponseWriter, r *http.Request, v visit, page string, c signInContent, err error) {
	switch {
	case err == nil:
		b.greet(w, r, c.Next)
		return
	case errors.Is(err, staff.ErrSecond):
		b.Staff.SetNext(r.Context(), c.Next)
		http.Redirect(w, r, "/sign-in/second", http.StatusSeeOther)
		return
	}
	status, problem := b.problem(err)
	if problem == "" {
		b.fail(w, r, v, status, "broken")
		return
	}
	c.Problem = problem
	b.showSignIn(w, r, v, status, page, c)
}

// greet lets somebody in who has just signed in, in the language they chose.
func (b *board) greet(w http.ResponseWriter, r *http.Request, next string) {
	if lang := b.Staff.Language(r.Context()); lang != "" {
		keepLanguage(w, r, lang)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// problem returns how to answer to an error of staff, and the key of its
// sentence; none if it is nothing that the person could mend.
func (b *board) problem(err error) (status int, key string) {
	var p staff.Problem
	if !errors.As(err, &p) {
		b.Log.Error("sign in", "err", err)
		return http.StatusInternalServerError, ""
	}
	status = http.StatusUnprocessableEntity
	switch p {
	case staff.TooManyTries:
		status = http.StatusTooManyRequests
	case staff.TooBusy:
		status = http.StatusServiceUnavailable
	case staff.WrongPassword, staff.WrongCode, staff.WrongOwn, staff.WrongSecond, staff.SecondLate, staff.WrongFirst,
		staff.ProviderUnknown:
		status = http.StatusUnauthorized
	case staff.ProviderFailed:
		status = http.StatusBadGateway
	}
	return status, "problem." + string(p)
}

func (b *board) secondPage(w http.ResponseWriter, r *http.Request, v visit) {
	if _, ok := b.Staff.Half(r.Context()); !ok {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	b.showSignIn(w, r, v, http.StatusOK, "second", signInContent{})
}

func (b *board) second(w http.ResponseWriter, r *http.Request, v visit) {
	next := home(b.Staff.Next(r.Context()))
	err := b.Staff.SignInSecond(r, r.PostFormValue("code"))
	if errors.Is(err, staff.SecondLate) { // there is nothing left to write a code for
		b.arrive(w, r, v, "sign_in", b.signInContent(r, false), err)
		return
	}
	b.arrive(w, r, v, "second", signInContent{Next: next}, err)
}

// invitePage is where an invitation's link leads. The code is behind the "#",
// so that it reaches no server, no log and no other site; a small script moves
// it into the form, and without one it is typed.
func (b *board) invitePage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showSignIn(w, r, v, http.StatusOK, "invite", signInContent{})
}

func (b *board) acceptInvite(w http.ResponseWriter, r *http.Request, v visit) {
	err := error(staff.PasswordDiffer)
	if r.PostFormValue("new") == r.PostFormValue("again") {
		err = b.Staff.SignInWithCode(r, r.PostFormValue("name"), r.PostFormValue("code"), r.PostFormValue("new"))
	}
	b.arrive(w, r, v, "invite", signInContent{Name: r.PostFormValue("name"), Next: "/"}, err)
}

func (b *board) firstPage(w http.ResponseWriter, r *http.Request, v visit) {
	if !b.Staff.FirstOpen() {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	b.showSignIn(w, r, v, http.StatusOK, "first", signInContent{Empty: true})
}

func (b *board) claimFirst(w http.ResponseWriter, r *http.Request, v visit) {
	if !b.Staff.FirstOpen() {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	err := error(staff.PasswordDiffer)
	if r.PostFormValue("new") == r.PostFormValue("again") {
		err = b.Staff.ClaimFirst(r, r.PostFormValue("code"), r.PostFormValue("name"), r.PostFormValue("new"))
	}
	b.arrive(w, r, v, "first", signInContent{Name: r.PostFormValue("name"), Next: "/", Empty: true}, err)
}

// toProvider sends the browser to the service that vouches for people. It is a
// link and no form: the policy for forms lets none lead to another host.
func (b *board) toProvider(w http.ResponseWriter, r *http.Request, v visit) {
	if !b.Staff.HasProvider() {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	to, err := b.Staff.StartProvider(r)
	if err != nil {
		b.arrive(w, r, v, "sign_in", b.signInContent(r, false), err)
		return
	}
	b.Staff.SetNext(r.Context(), home(r.FormValue("next")))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (b *board) fromProvider(w http.ResponseWriter, r *http.Request, v visit) {
	if !b.Staff.HasProvider() {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	next := home(b.Staff.Next(r.Context()))
	err := b.Staff.FinishProvider(r, r.FormValue("state"), r.FormValue("code"))
	c := signInContent{Next: next, Provider: b.providerName()}
	b.arrive(w, r, v, "sign_in", c, err)
}

func (b *board) signOut(w http.ResponseWriter, r *http.Request, _ visit) {
	if err := b.Staff.SignOut(r.Context()); err != nil {
		b.Log.Error("sign out", "err", err)
		b.fail(w, r, b.visit(w, r), http.StatusInternalServerError, "broken")
		return
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
