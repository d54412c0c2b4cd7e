package main

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"yhteiskone/agent/front"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// metrics are the agent's numbers for machines. They say how the agent is and
// how many machines are in which status; nothing of a client's session, which
// the agent does not know.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     prometheus.Histogram
}

func newMetrics(a *agent) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yhteiskone_http_requests_total",
			Help: "Requests answered, by the route's pattern and the status code."}, []string{"to", "code"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "yhteiskone_http_request_seconds",
			Help: "How long answering took, live streams left out.", Buckets: []float64{.001, .005, .02, .05, .2, 1, 5}}),
	}
	m.registry.MustRegister(m.requests, m.took, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), numbers{a, descriptions()})
	return m
}

// answered counts a request. Patterns are a closed list, paths are not.
func (m *metrics) answered(pattern string, status int, took time.Duration) {
	if pattern == "" {
		pattern = "none"
	}
	m.requests.WithLabelValues(pattern, strconv.Itoa(status)).Inc()
	if took < time.Minute {
		m.took.Observe(took.Seconds())
	}
}

// metrics answers whoever asks from this machine itself, and whoever has a
// token for every site. Where plain HTTP is spoken here and people are told of
// an https address, something on this machine stands in between: then nobody
// counts as this machine itself.
func (a *agent) metricsPage() http.Handler {
	page := promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, MaxRequestsInFlight: 4})
	withToken := a.allowed(staff.SeeFleet, func(w http.ResponseWriter, r *http.Request, p staff.Person) {
		if !staff.May(p, staff.SeeFleet, "") {
			gate.Refuse(w, http.StatusForbidden, wire.Refusal{Code: wire.RefusedAccess,
				Text: "This token is for one site, and these numbers are of all.", Todo: "Use a token without a site."})
			return
		}
		page.ServeHTTP(w, r)
	})
	between := a.plain && strings.HasPrefix(a.config.Address, "https://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !between && front.Local(r) && r.Header.Get("Authorization") == "" {
			page.ServeHTTP(w, r)
			return
		}
		withToken(w, r)
	})
}

// description is one number that is looked up when somebody asks.
type description struct {
	name, help string
	kind       prometheus.ValueType
	desc       *prometheus.Desc
}

func descriptions() map[string]*description {
	all := map[string]*description{}
	for _, d := range []description{
		{"kiosks_connected", "Kiosks whose connection is open.", prometheus.GaugeValue, nil},
		{"kiosks_strangers", "Connections that have not yet proved who they are.", prometheus.GaugeValue, nil},
		{"reports_total", "Reports taken in since the start.", prometheus.CounterValue, nil},
		{"connections", "Open connections of everybody.", prometheus.GaugeValue, nil},
		{"connections_refused_total", "Connections refused for being too many, since the start.", prometheus.CounterValue, nil},
		{"store_bytes", "Size of the store's file.", prometheus.GaugeValue, nil},
		{"store_failing", "1 while the newest write to the disk did not get through.", prometheus.GaugeValue, nil},
		{"disk_free_bytes", "Room on the data folder's disk.", prometheus.GaugeValue, nil},
		{"backup_timestamp_seconds", "When the newest backup was made; 0 if there is none.", prometheus.GaugeValue, nil},
		{"backup_bytes", "Size of the newest backup.", prometheus.GaugeValue, nil},
		{"backups", "How many backups are kept.", prometheus.GaugeValue, nil},
		{"backup_failing", "1 while the newest try to make a backup failed.", prometheus.GaugeValue, nil},
		{"mended_timestamp_seconds", "When a backup last took the place of damaged data; 0 if never.", prometheus.GaugeValue, nil},
		{"certificate_expiry_timestamp_seconds", "When the certificate for browsers ends; 0 for the agent's own, which renews itself.", prometheus.GaugeValue, nil},
		{"start_timestamp_seconds", "When the agent started.", prometheus.GaugeValue, nil},
	} {
		d.desc = prometheus.NewDesc("yhteiskone_"+d.name, d.help, nil, nil)
		all[d.name] = &d
	}
	all["kiosks"] = &description{desc: prometheus.NewDesc("yhteiskone_kiosks", "Kiosks by site and status.", []string{"site", "status"}, nil)}
	return all
}

// numbers looks everything up when somebody asks, so that nothing is counted
// twice and nothing can go stale.
type numbers struct {
	agent *agent
	all   map[string]*description
}

// Describe is prometheus.Collector's.
func (n numbers) Describe(to chan<- *prometheus.Desc) {
	for _, d := range n.all {
		to <- d.desc
	}
}

// Collect is prometheus.Collector's.
func (n numbers) Collect(to chan<- prometheus.Metric) {
	say := func(name string, value float64) {
		d := n.all[name]
		to <- prometheus.MustNewConstMetric(d.desc, d.kind, value)
	}
	yes := map[bool]float64{true: 1}
	at := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return float64(t.Unix())
	}
	h := n.agent.health()
	_, strangers := n.agent.gate.Count()
	say("kiosks_connected", float64(h.Connected))
	say("kiosks_strangers", float64(strangers))
	say("reports_total", float64(n.agent.gate.Reports()))
	say("connections", float64(h.Connections))
	say("connections_refused_total", float64(h.Refused))
	say("store_bytes", float64(h.Store))
	say("store_failing", yes[h.Failing])
	say("disk_free_bytes", float64(h.Free))
	say("backup_timestamp_seconds", at(h.Backup.At))
	say("backup_bytes", float64(h.Backup.Bytes))
	say("backups", float64(h.Backup.Count))
	say("backup_failing", yes[h.Backup.Failed])
	say("mended_timestamp_seconds", at(h.Mended.At))
	say("certificate_expiry_timestamp_seconds", at(h.Certificate))
	say("start_timestamp_seconds", at(h.Started))
	type key struct {
		site   fleet.SiteID
		status fleet.Status
	}
	count := map[key]int{}
	for _, v := range n.agent.board.Views() {
		count[key{v.Kiosk.Site, v.Status}]++
	}
	for k, c := range count {
		to <- prometheus.MustNewConstMetric(n.all["kiosks"].desc, prometheus.GaugeValue, float64(c), string(k.site), string(k.status))
	}
}
