package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"yhteiskone/internal/dev/stage"
)

// How often pages and events are measured, and how many kiosks come back.
const (
	pageLooks  = 200
	presses    = 40
	returners  = 10000
	returnTime = 3 * time.Minute
)

// reader is a person who is signed in.
type reader struct {
	http *http.Client
	base string
}

// signIn comes in by a one-time code, as people do.
func signIn(ctx context.Context, s *stage.Stage, a *stage.Agent) (*reader, error) {
	name, code, err := s.AddPerson(ctx)
	if err != nil {
		return nil, err
	}
	client, err := a.Client()
	if err != nil {
		return nil, err
	}
	client.Transport.(*http.Transport).DisableKeepAlives = false // a browser keeps its line
	client.Timeout = 0                                           // live pages are long
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Jar, err = cookiejar.New(nil); err != nil {
		return nil, err
	}
	r := &reader{client, a.Base}
	const password = "mittaajan oma salasana 1"
	return r, r.post(ctx, "/sign-in", url.Values{"way": {"code"}, "name": {name}, "code": {code}, "new": {password}, "again": {password}})
}

// post sends a form; what follows a form is always another page.
func (r *reader) post(ctx context.Context, path string, form url.Values) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := r.http.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("%s answered %s", path, answer.Status)
	}
	return nil
}

func (r *reader) open(ctx context.Context, path string) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := r.http.Do(q)
	if err == nil && answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		err = fmt.Errorf("%s answered %s", path, answer.Status)
	}
	return answer, err
}

var siteShape = regexp.MustCompile(`href="/sites/([a-z0-9-]+)"`)

var cardShape = regexp.MustCompile(`id="card-(k[a-z2-7]{12})"`)

// agentPages measures the first page of who sees all of many kiosks, and the
// live page of one of their sites.
func agentPages(ctx context.Context, t *table, s *stage.Stage, a *stage.Agent) error {
	r, err := signIn(ctx, s, a)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	var took []float64
	var text []byte
	for range pageLooks {
		begin := time.Now()
		answer, err := r.open(ctx, "/")
		if err != nil {
			return err
		}
		text, err = io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return err
		}
		took = append(took, time.Since(begin).Seconds()*1000)
	}
	t.add("agent.page_p95_ms", percentile(took, 95))
	site := siteShape.FindSubmatch(text)
	if site == nil {
		return errors.New("the first page has no site")
	}
	answer, err := r.open(ctx, "/sites/"+string(site[1]))
	if err != nil {
		return err
	}
	text, err = io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return err
	}
	var kiosks []string
	for _, m := range cardShape.FindAllSubmatch(text, presses) {
		kiosks = append(kiosks, string(m[1]))
	}
	if len(kiosks) < presses {
		return errors.New("the site's page has too few kiosks")
	}
	return r.events(ctx, t, string(site[1]), kiosks)
}

// events measures from a press at the dashboard until a live page shows what
// the kiosk reported of it: the way to the kiosk is in it.
func (r *reader) events(ctx context.Context, t *table, site string, kiosks []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := r.open(ctx, "/events?page=fleet&site="+site)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 16<<20)
	shown := make(chan string, 1<<16)
	go func() {
		defer close(shown)
		for lines.Scan() {
			if id := cardShape.FindStringSubmatch(lines.Text()); id != nil && strings.Contains(lines.Text(), "is-out_of_service") {
				shown <- id[1]
			}
		}
	}()
	var took []float64
	for _, id := range kiosks {
		begin := time.Now()
		if err := r.post(ctx, "/kiosks/"+id+"/out_of_service", url.Values{"back": {"/"}}); err != nil {
			return err
		}
		for got := ""; got != id; {
			var ok bool
			select {
			case <-time.After(30 * time.Second):
				return errors.New("the dashboard does not show what a kiosk reported")
			case got, ok = <-shown:
				if !ok {
					return errors.New("the live page ended")
				}
			}
		}
		took = append(took, time.Since(begin).Seconds()*1000)
	}
	t.add("agent.event_to_dashboard_ms", percentile(took, 95))
	return nil
}

// agentReturn measures how long ten thousand kiosks take to be back after the
// agent was stopped and started, over TLS. They and the agent share this machine.
func agentReturn(ctx context.Context, t *table) error {
	s, clear, err := newStage()
	if err != nil {
		return err
	}
	defer clear()
	a, err := s.StartAgent(ctx, false)
	if err != nil {
		return err
	}
	load, err := simulate(ctx, s, returners, reportEvery)
	if err != nil {
		return err
	}
	a.Stop()
	if _, err = s.StartAgent(ctx, false); err != nil {
		return err
	}
	begin := time.Now()
	err = stage.Await(ctx, load, returnTime, func(context.Context) bool {
		text, _ := os.ReadFile(load.Log)
		return strings.Contains(string(text), fmt.Sprintf("%d kiosks connected again", returners))
	})
	if err != nil {
		return err
	}
	t.add("agent.return_10000_s", time.Since(begin).Seconds())
	return nil
}
