// Package check has an agent check a finished machine, waits for its acceptance
// sheet, makes sure of its signature and says what it comes to.
//
// It decides nothing about the machine: the machine looks, and the agent keeps
// what it signed. It keeps nothing itself.
//
// Caveat: the key that a sheet is verified with comes from the agent, which is
// trusted by its pin.
package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// ErrNotNow says that the agent, or the machine, cannot be reached now, or that
// somebody uses the machine.
var ErrNotNow = errors.New("not now")

// Agent is who is asked.
type Agent struct {
	Client *http.Client
	Base   string // its address
	Token  string
	Lang   string        // of its words: fi, sv or en
	Every  time.Duration // how often it is asked whether the sheet is there
}

// answerLimit is how much of an answer is read.
const answerLimit = 1 << 20

// Run has the machine checked and waits for its sheet, at most for so long.
// waits is told once if the machine is not there or somebody uses it.
func (a Agent) Run(ctx context.Context, id fleet.KioskID, most time.Duration, waits func(connected bool)) (wire.SheetAnswer, error) {
	var ordered wire.CheckOrdered
	if err := a.ask(ctx, http.MethodPost, id, "check", http.StatusAccepted, &ordered); err != nil {
		return wire.SheetAnswer{}, err
	}
	late := time.NewTimer(most)
	defer late.Stop()
	tick := time.NewTicker(a.Every)
	defer tick.Stop()
	told := false
	for first := true; ; first = false {
		answer, err := a.sheet(ctx, id, ordered.Command)
		if err != nil && !errors.Is(err, ErrNotNow) {
			return answer, err
		}
		if err == nil {
			if done, err := outcome(answer); done {
				return answer, err
			}
			if !told && !first {
				waits(answer.Connected)
				told = true
			}
		}
		select {
		case <-ctx.Done():
			return answer, ctx.Err()
		case <-late.C:
			if err != nil {
				return answer, err
			}
			why := "somebody uses the machine, or it is still being checked"
			if !answer.Connected {
				why = "the machine is not connected"
			}
			return answer, fmt.Errorf("%w: no sheet came within %v, because %s; it is made as soon as it can be: look again with --last", ErrNotNow, most, why)
		case <-tick.C:
		}
	}
}

// outcome says whether a check is over, and how.
func outcome(a wire.SheetAnswer) (over bool, err error) {
	switch a.Check {
	case wire.CheckWaiting:
		return false, nil
	case wire.CheckMade:
		return true, verify(a)
	case wire.CheckRefused:
		return true, errors.New("the agent did not keep the sheet, because the machine's signature is wrong: enrol the machine anew")
	case wire.CheckGone:
		return true, fmt.Errorf("%w: another check came in between, or this one waited too long; look at it with --last", ErrNotNow)
	}
	switch a.Why {
	case "unknown":
		return true, errors.New("the machine cannot check itself: its program is too old; install a newer image")
	case "expired":
		return true, fmt.Errorf("%w: somebody used the machine until the check was too old; try again", ErrNotNow)
	}
	return true, errors.New("the machine could not check itself; look into its log")
}

// Last returns the newest sheet that is kept.
func (a Agent) Last(ctx context.Context, id fleet.KioskID) (wire.SheetAnswer, error) {
	answer, err := a.sheet(ctx, id, "")
	if err != nil {
		return answer, err
	}
	if answer.Sheet == nil {
		return answer, fmt.Errorf("%s has not been checked yet: leave --last out", answer.Name)
	}
	return answer, verify(answer)
}

// verify makes sure that the machine signed what is shown.
func verify(a wire.SheetAnswer) error {
	if a.Sheet == nil || a.Result == nil {
		return errors.New("the agent's answer has no sheet")
	}
	if err := proof.VerifySheet(a.Sheet.PublicKey, a.Sheet.Signed.Fleet(a.Kiosk)); err != nil {
		return fmt.Errorf("the agent's answer: %w", err)
	}
	return nil
}

func (a Agent) sheet(ctx context.Context, id fleet.KioskID, command string) (answer wire.SheetAnswer, err error) {
	what := "sheet"
	if command != "" {
		what += "?command=" + url.QueryEscape(command)
	}
	return answer, a.ask(ctx, http.MethodGet, id, what, http.StatusOK, &answer)
}

func (a Agent) ask(ctx context.Context, method string, id fleet.KioskID, what string, want int, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.Base+wire.KiosksPath+"/"+url.PathEscape(string(id))+"/"+what, nil)
	if err != nil {
		return fmt.Errorf("ask the agent: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	req.Header.Set("Accept-Language", a.Lang)
	resp, err := a.Client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: the agent cannot be reached: %w", ErrNotNow, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("%w: the agent's answer broke off: %w", ErrNotNow, err)
	}
	if resp.StatusCode == want {
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("the agent's answer cannot be read: %w", err)
		}
		return nil
	}
	refused, err := wire.DecodeBody[wire.Refusal](text)
	if err != nil {
		refused = wire.Refusal{Text: fmt.Sprintf("The answer was %q, not an agent's.", resp.Status), Todo: "Check --agent; an older agent cannot check machines."}
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		return fmt.Errorf("%w: the agent refused: %w", ErrNotNow, refused)
	}
	return fmt.Errorf("the agent refused: %w", refused)
}

// Say writes what a sheet comes to, for people at a terminal.
func Say(w io.Writer, a wire.SheetAnswer, page string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n%s\n%s\n", a.Name, a.Site, a.Result.Text, strings.Join(a.Result.More, " "))
	for _, r := range a.Sheet.Rows {
		value := ""
		if r.Value != "" {
			value = " (" + r.Value + ")"
		}
		switch {
		case r.Mark == fleet.Failed || r.Mark == fleet.Unknown:
			fmt.Fprintf(&b, "  %-7s  %s%s: %s\n", r.Mark, r.Name, value, r.Todo)
		case r.Mark == fleet.ByHand && r.TriedBy == "":
			fmt.Fprintf(&b, "  [ ] %s %s: %s\n", strings.TrimLeft(strings.TrimPrefix(r.Code, "way_"), "0"), r.Name, r.Todo)
		}
	}
	fmt.Fprintf(&b, "Signed by the machine with the key %s.\nTo print: %s\n", a.Sheet.Fingerprint, page)
	_, err := io.WriteString(w, b.String())
	return err
}
