package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stallTime is how long nothing may come before a line is taken for dead.
const stallTime = 30 * time.Second

// HTTP is the agent as a Source.
type HTTP struct {
	Client  *http.Client // without a time limit of its own
	Agent   string       // for example https://agent.example.org:8443
	Version string
	Ticket  string // what the agent gave with its order
}

// Open implements Source.
func (h HTTP) Open(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	stall := time.AfterFunc(stallTime, cancel)
	body, err := h.open(ctx, name, from)
	stall.Stop()
	if err != nil {
		cancel()
		return nil, err
	}
	return &lively{body, stall, cancel}, nil
}

func (h HTTP) open(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(h.Agent, "/")+"/release/"+h.Version+"/"+name, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	r.Header.Set("Authorization", "Bearer "+h.Ticket)
	r.Header.Set("Accept-Encoding", "identity")
	want := http.StatusOK
	if from > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
		want = http.StatusPartialContent
	}
	answer, err := h.Client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetch a release: %w", err)
	}
	switch {
	case answer.StatusCode == want && (from == 0 || strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from))):
		return answer.Body, nil
	case answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
		err = fmt.Errorf("%w: it answers %s", ErrRefused, answer.Status)
	default:
		err = fmt.Errorf("fetch a release: the agent answers %s", answer.Status)
	}
	return nil, errors.Join(err, answer.Body.Close())
}

// lively ends a read to which nothing comes. Between reads it waits for as long
// as it must: somebody is at the machine.
type lively struct {
	io.ReadCloser
	stall  *time.Timer
	cancel context.CancelFunc
}

// Read implements io.Reader.
func (l *lively) Read(p []byte) (int, error) {
	l.stall.Reset(stallTime)
	defer l.stall.Stop()
	return l.ReadCloser.Read(p)
}

// Close implements io.Closer.
func (l *lively) Close() error {
	l.cancel()
	return l.ReadCloser.Close()
}
