package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// exposed reads the text format as strictly as its description is written
// (https://prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4):
// promlint, which reads it for us too, is content with less. It returns how
// many samples each family has.
func exposed(text string) (map[string]int, error) {
	head := regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$`)
	label := regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
	if !strings.HasSuffix(text, "\n") || strings.Contains(text, "\r") || strings.Contains(text, "\n\n") {
		return nil, errors.New("lines do not end as they should")
	}
	families, helped, seen := map[string]int{}, map[string]bool{}, map[string]bool{}
	now, kind := "", ""
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		bad := func(why string) error { return fmt.Errorf("line %d, %q: %s", n+1, line, why) }
		if m := head.FindStringSubmatch(line); m != nil {
			switch {
			case m[1] == "HELP" && helped[m[2]]:
				return nil, bad("a second HELP")
			case m[1] == "HELP":
				helped[m[2]] = true
				continue
			}
			if _, twice := families[m[2]]; twice || !helped[m[2]] {
				return nil, bad("a second TYPE, or one without HELP")
			}
			if now, kind = m[2], m[3]; !slices.Contains([]string{"counter", "gauge", "histogram", "summary"}, kind) {
				return nil, bad("what type is that?")
			}
			if strings.HasSuffix(now, "_total") != (kind == "counter") {
				return nil, bad("a counter ends in _total, and nothing else does")
			}
			families[now] = 0
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			return nil, bad("neither HELP, TYPE nor a sample")
		}
		of := m[1] == now
		switch kind {
		case "histogram":
			of = slices.Contains([]string{now + "_bucket", now + "_sum", now + "_count"}, m[1])
		case "summary":
			of = of || m[1] == now+"_sum" || m[1] == now+"_count"
		}
		if !of {
			return nil, bad("stands among the samples of " + now)
		}
		labels := map[string]string{}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if _, twice := labels[l[1]]; twice || strings.HasPrefix(l[1], "__") {
				return nil, bad("a label twice, or one that is Prometheus's own")
			}
			labels[l[1]] = l[2]
		}
		key := m[1]
		for _, l := range slices.Sorted(maps.Keys(labels)) {
			key += "\x00" + l + "\x00" + labels[l]
		}
		if seen[key] {
			return nil, bad("a second time")
		}
		seen[key] = true
		if v, err := strconv.ParseFloat(m[3], 64); err != nil || kind == "counter" && v < 0 {
			return nil, bad("the value")
		}
		families[now]++
	}
	for f, n := range families {
		if n == 0 {
			return nil, fmt.Errorf("%s has no sample", f)
		}
	}
	return families, nil
}

// Every line of the numbers is as the format says, also with a fleet whose
// sites and states make labels, and after requests of every kind.
func TestExposition(t *testing.T) {
	a, _ := insideAgent(t)
	h := a.routes()
	for i, site := range []fleet.SiteID{"ranta", "ranta", "tori"} {
		id := fleet.KioskID(fmt.Sprintf("kbbbbbbbbbbb%c", 'a'+i))
		a.board.Put(state.Known{Kiosk: fleet.Kiosk{ID: id, Site: site, Name: "Kone \"\\\n"}, SiteName: "Ranta"})
	}
	for _, path := range []string{"/sign-in", "/static/live.js", "/nowhere", "/api/v1/kiosks"} {
		h.ServeHTTP(httptest.NewRecorder(), localRequest(path))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, localRequest("/metrics"))
	families, err := exposed(w.Body.String())
	if err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]int{"yhteiskone_kiosks": 2, "yhteiskone_http_requests_total": 3, "yhteiskone_http_request_seconds": 10, "process_cpu_seconds_total": 1} {
		if families[name] < least {
			t.Errorf("%s has %d samples", name, families[name])
		}
	}
	if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("it is said to be %q", kind)
	}
	good := "# HELP a b\n# TYPE a gauge\na{x=\"1\\n\"} 1\n"
	if _, err := exposed(good); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{strings.TrimSuffix(good, "\n"), good + good, good + "a{x=\"1\\n\"} 2\n", good + "b 1\n", good + "a{x=\"\\q\"} 1\n",
		"# TYPE a gauge\na 1\n", strings.ReplaceAll(good, "gauge", "counter"), good + "# HELP c d\n# TYPE c gauge\nc 1\na 2\n", good + "a{1x=\"\"} 1\n", good + "a 1 \n"} {
		if _, err := exposed(bad); err == nil {
			t.Errorf("is taken: %q", bad)
		}
	}
}

// localRequest is one of this machine itself.
func localRequest(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:1", "127.0.0.1"
	return r
}
