// Package publish brings a signed release of the image to an agent, in pieces,
// and goes on where it was when the line breaks or the tool is started again.
//
// It never signs anything and offers the release to no kiosk: that is the
// agent's, and somebody's decision. A release is at the agent whole or not at
// all.
package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"yhteiskone/internal/release"
	"yhteiskone/internal/wire"
)

// ErrNotNow says that the agent cannot be reached, or has no time.
var ErrNotNow = errors.New("not now")

// triesMost is how often the same piece is tried.
const triesMost = 8

// Agent is where a release goes.
type Agent struct {
	Client *http.Client
	Base   string // for example https://agent.example.org:8443
	Token  string // of a technician at every site
	Pause  time.Duration
}

// Run brings the release in dir to the agent. said is told how much of all has
// arrived.
func Run(ctx context.Context, a Agent, dir string, said func(done, all int64)) (release.Signed, error) {
	s, err := release.Read(dir)
	if err != nil {
		return s, fmt.Errorf("read the release: %w", err)
	}
	begin, err := json.Marshal(wire.ReleaseBegin{Manifest: s.Text, Signature: s.Signature})
	if err != nil {
		return s, fmt.Errorf("publish: %w", err)
	}
	has, err := a.patiently(ctx, http.MethodPost, wire.ReleasesPath, begin)
	if err != nil || has.Kept {
		return s, err
	}
	at := wire.ReleasesPath + "/" + s.Version
	var done int64
	for _, f := range s.Files {
		if err := a.file(ctx, filepath.Join(dir, f.Name), at+"/"+f.Name, f, has.Have[f.Name], func(n int64) { said(done+n, s.Size()) }); err != nil {
			return s, err
		}
		done += f.Size
	}
	has, err = a.patiently(ctx, http.MethodPost, at, nil)
	if err == nil && !has.Kept {
		err = errors.New("the agent does not say that it has the release")
	}
	return s, err
}

// file brings what the agent has not yet of a file.
func (a Agent) file(ctx context.Context, path, at string, want release.File, have int64, said func(int64)) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer f.Close()
	piece := make([]byte, wire.ReleasePiece)
	for have < want.Size {
		n, err := f.ReadAt(piece[:min(int64(len(piece)), want.Size-have)], have)
		if err != nil {
			return fmt.Errorf("publish: read %s: %w", path, err)
		}
		has, err := a.patiently(ctx, http.MethodPut, at+"?from="+strconv.FormatInt(have, 10), piece[:n])
		if err != nil {
			return err
		}
		now := has.Have[want.Name] // more than was sent, if an answer was lost
		if now <= have {
			return fmt.Errorf("publish: the agent takes no more of %s than %d bytes", want.Name, have)
		}
		have = now
		said(have)
	}
	return nil
}

// patiently asks until the agent answers, a few times.
func (a Agent) patiently(ctx context.Context, method, path string, body []byte) (wire.ReleaseHas, error) {
	wait := backoff.NewExponentialBackOff()
	if wait.InitialInterval = a.Pause; a.Pause == 0 {
		wait.InitialInterval = time.Second
	}
	return backoff.Retry(ctx, func() (wire.ReleaseHas, error) {
		has, err := a.ask(ctx, method, path, body)
		if err != nil && !errors.Is(err, ErrNotNow) {
			err = backoff.Permanent(err)
		}
		return has, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(triesMost))
}

// told is an error of a kind, without the kind's name in its text.
type told struct{ error }

func (e told) Unwrap() []error { return []error{e.error, ErrNotNow} }

func (a Agent) ask(ctx context.Context, method, path string, body []byte) (has wire.ReleaseHas, err error) {
	r, err := http.NewRequestWithContext(ctx, method, a.Base+path, bytes.NewReader(body))
	if err != nil {
		return has, fmt.Errorf("publish: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+a.Token)
	r.Header.Set("Content-Type", "application/octet-stream")
	answer, err := a.Client.Do(r)
	if err != nil {
		return has, told{fmt.Errorf("the agent cannot be reached: %w; what has arrived stays there, so try again", err)}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, wire.EnrolLimit))
	if err != nil {
		return has, told{fmt.Errorf("the agent's answer broke off: %w", err)}
	}
	if answer.StatusCode != http.StatusOK {
		refusal, err := wire.DecodeBody[wire.Refusal](text)
		if err != nil {
			refusal = wire.Refusal{Text: fmt.Sprintf("The answer was %q, not an agent's.", answer.Status), Todo: "Check --agent."}
		}
		err = fmt.Errorf("the agent refused: %w", refusal)
		if answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests {
			err = told{err}
		}
		return has, err
	}
	if err := json.Unmarshal(text, &has); err != nil {
		return has, fmt.Errorf("the agent's answer cannot be read: %w", err)
	}
	return has, nil
}
