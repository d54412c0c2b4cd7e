package figures

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that the test means the same everywhere

	"pgregory.net/rapid"

	"yhteiskone/internal/fleet"
)

func keysOf(n int) (keys []string) {
	for i := range n {
		keys = append(keys, string(rune('a'+i)))
	}
	return keys
}

func said(table map[string]Cell, keys []string) string {
	var s strings.Builder
	for _, k := range keys {
		s.WriteString(table[k].String() + " ")
	}
	return s.String()
}

// all calls f with every table of n lines that add up to sum.
func all(n int, sum uint64, f func([]uint64)) {
	line := make([]uint64, n)
	var put func(i int, left uint64)
	put = func(i int, left uint64) {
		if i == n-1 {
			line[i] = left
			f(line)
			return
		}
		for v := uint64(0); v <= left; v++ {
			line[i] = v
			put(i+1, left-v)
		}
	}
	put(0, sum)
}

// TestNothingFollows goes through all small tables, puts those together that
// print the same under the same sum, and looks that for every "<5" each of 0
// to 4 is among them: somebody who knows the sum, the page and the rule knows
// no more than "<5". A table that hides nothing would fail it at once, and so
// would one that hides one line too few.
func TestNothingFollows(t *testing.T) {
	for n, most := range map[int]uint64{1: 12, 2: 40, 3: 40, 4: 26, 5: 20} {
		keys := keysOf(n)
		for sum := uint64(0); sum <= most; sum++ {
			possible := map[string][]map[uint64]bool{}
			print := func(line []uint64) string {
				table := map[string]uint64{}
				for i, k := range keys {
					table[k] = line[i]
				}
				return said(publish(table, keys, keys), keys)
			}
			under := func(sum uint64) {
				all(n, sum, func(line []uint64) {
					p := print(line)
					if possible[p] == nil {
						possible[p] = make([]map[uint64]bool, n)
						for i := range n {
							possible[p][i] = map[uint64]bool{}
						}
					}
					for i, v := range line {
						possible[p][i][v] = true
					}
				})
			}
			under(sum)
			if sum < Least { // then the sum says "<5" itself
				for s := range uint64(Least) {
					under(s)
				}
			}
			for p, lines := range possible {
				for i, word := range strings.Fields(p) {
					if word != "<5" {
						continue
					}
					for v := range uint64(Least) {
						if !lines[i][v] {
							t.Errorf("%d lines, sum %d, printed %q: line %d cannot be %d", n, sum, p, i, v)
						}
					}
				}
			}
		}
	}
}

// sums draws a site's month.
func sums(t *rapid.T, label string) *Sums {
	s := NewSums()
	n := func(what string) uint32 {
		return rapid.OneOf(rapid.Uint32Range(0, 9), rapid.Uint32Range(0, 300)).Draw(t, label+what)
	}
	for day := range rapid.IntRange(0, 3).Draw(t, label+"days") {
		c := fleet.Counts{Day: fmt.Sprintf("2026-11-%02d", day+1), HelpCalls: n("help"), Lengths: map[string]uint32{}, Tiles: map[string]uint32{},
			Ends: map[fleet.End]uint32{}, Outcomes: map[fleet.Outcome]uint32{}}
		for _, k := range append(lengths(), "new_band") {
			c.Lengths[k] = n(k)
			c.Sessions += c.Lengths[k]
		}
		for _, k := range append(Errands(), "=cmd") {
			c.Tiles[k] = n(k)
		}
		for _, k := range append(fleet.Ends(), "new_end") {
			c.Ends[k] = n(string(k))
		}
		for _, k := range append(fleet.Outcomes(), "new_outcome") {
			c.Outcomes[k] = n(string(k))
		}
		s.Add(c)
	}
	for _, r := range Reasons() {
		s.Tally(Mark{Why: r, What: Unsaid}, uint64(n("tally")))
	}
	return s
}

func (m Month) cells() map[string]Cell {
	out := map[string]Cell{"sessions": m.Sessions, "help": m.HelpCalls, "marks": m.Marks}
	for g, table := range m.Tables {
		for k, c := range table {
			out[string(g)+"."+k] = c
		}
	}
	return out
}

// TestPublished holds for every month: nothing below Least is printed as it
// is, an exact number is true, a bound is one, and no line is missing.
func TestPublished(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sums(t, "")
		m := s.Publish()
		for _, g := range Groups() {
			real := s.of(g)
			for _, k := range g.Keys() {
				c, ok := m.Tables[g][k]
				switch {
				case !ok:
					t.Fatalf("%s %s is missing", g, k)
				case c.How == Exact && (c.N != real[k] || c.N < Least), c.How == AtLeast && real[k] < c.N, c.How == Few && real[k] >= Least:
					t.Fatalf("%s %s is %d and says %s", g, k, real[k], c)
				}
			}
			if len(m.Tables[g]) != len(g.Keys()) || len(real) > len(g.Keys()) {
				t.Fatalf("%s has lines that nobody shows: %v", g, real)
			}
		}
	})
}

// TestTogether: what is said of several sites follows from what is said of
// each. Sites that print the same add up to the same, whatever they hide; and
// it is never more than the truth.
func TestTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var months []Month
		var real []map[string]uint64
		for i := range rapid.IntRange(1, 4).Draw(t, "sites") {
			s := sums(t, fmt.Sprint(i))
			months = append(months, s.Publish())
			r := map[string]uint64{"sessions": s.Sessions, "help": s.HelpCalls}
			for _, n := range s.why {
				r["marks"] += n
			}
			for _, g := range Groups() {
				for k, n := range s.of(g) {
					r[string(g)+"."+k] = n
				}
			}
			real = append(real, r)
		}
		for k, c := range Together(months).cells() {
			total, exact := uint64(0), true
			for i, m := range months {
				total += real[i][k]
				exact = exact && m.cells()[k].How == Exact
			}
			if (c.How == Exact) != exact || c.How == Exact && c.N != total || c.How == AtLeast && c.N > total || c.How == Few && total >= Least {
				t.Fatalf("%s is %d and says %s", k, total, c)
			}
		}
	})
}

// TestSmallNumbersLeaveNoTrace changes numbers below Least where no sum ties
// them, and the whole page stays the same, letter by letter.
func TestSmallNumbersLeaveNoTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Uint32Range(0, 4)
		with := func(label string) string {
			quiet, busy := NewSums(), NewSums()
			quiet.Add(fleet.Counts{Sessions: small.Draw(t, label+"s"), HelpCalls: small.Draw(t, label+"h")})
			busy.Add(fleet.Counts{Sessions: 40, HelpCalls: 12, Tiles: map[string]uint32{"bank": 40}})
			m := []Month{quiet.Publish(), busy.Publish()}
			return fmt.Sprint(m[0].cells(), m[1].cells(), Together(m).cells())
		}
		if a, b := with("a"), with("b"); a != b {
			t.Fatalf("two quiet months look different:\n%s\n%s", a, b)
		}
	})
}

func TestPublishByHand(t *testing.T) {
	keys := []string{"a", "b", "c"}
	for _, c := range []struct {
		a, b, c uint64
		want    string
	}{
		{10, 20, 30, "10 20 30 "}, // nothing to hide
		{1, 1, 1, "<5 <5 <5 "},    // the sum is not said either
		{20, 3, 3, "≥5 <5 <5 "},   // 6 would say: neither is below 2
		{20, 2, 2, "20 <5 <5 "},   // each may be 0 to 4
		{20, 0, 1, "≥5 <5 <5 "},   // 1 would say: one of them is 0
		{20, 4, 30, "≥5 <5 30 "},  // one alone would follow from the sum
		{5, 0, 0, "– – – "},       // nothing can hide it
		{5, 30, 4, "≥5 30 <5 "},   // 4 + 5
		{5, 30, 3, "– – – "},      // 8 is 5 and at most 3
		{0, 0, 100, "<5 <5 ≥5 "},  // all of one kind
		{4, 4, 100, "<5 <5 ≥5 "},  // 8: both are 4
		{1000000, 7, 8, "1000000 7 8 "},
	} {
		got := said(publish(map[string]uint64{"a": c.a, "b": c.b, "c": c.c}, keys, keys), keys)
		if got != c.want {
			t.Errorf("%d %d %d: %q, want %q", c.a, c.b, c.c, got, c.want)
		}
	}
}

func TestSums(t *testing.T) {
	s := NewSums()
	s.Add(fleet.Counts{Sessions: 30, HelpCalls: 7, Lengths: map[string]uint32{"5_15": 20, "strange": 1}, Tiles: map[string]uint32{"bank": 12, "x": 6},
		Ends:     map[fleet.End]uint32{fleet.EndButton: 12, fleet.EndBrowser: 3, fleet.EndIdle: 8, fleet.EndInterruption: 1, "odd": 1},
		Outcomes: map[fleet.Outcome]uint32{fleet.GotDone: 9, "odd": 2}})
	s.Tally(Mark{Why: NoCodes, What: "bank"}, 6)
	s.Tally(Mark{Why: "odd", What: "bank"}, 6)
	for g, want := range map[Group]map[string]uint64{
		Lengths: {"5_15": 20, "under_5": 10}, Tiles: {"bank": 12, "other": 18}, Ends: {"client": 15, "left": 8, "machine": 7},
		Outcomes: {"yes": 9, "other": 2, "silent": 19}, Why: {"no_codes": 6}, What: {"bank": 6},
	} {
		if got := s.of(g); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", g, got, want)
		}
	}
}

func TestCSV(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.OneOf(rapid.String(), rapid.StringMatching(`[=+\-@\t\r\n ",;|%＝]{0,3}[a-z"]*`))
		lines := rapid.SliceOfN(rapid.SliceOfN(words, 3, 3), 1, 5).Draw(t, "lines")
		var out bytes.Buffer
		if err := WriteCSV(&out, lines); err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(out.String(), "\ufeff")
		if !ok {
			t.Fatal("no mark")
		}
		if n := strings.Count(text, "\n"); !strings.HasSuffix(text, "\r\n") || n < len(lines) {
			t.Fatalf("lines do not end as they should: %q", text)
		}
		back, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(back) != len(lines) {
			t.Fatalf("%q: %v", text, err)
		}
		for i, line := range back {
			for j, v := range line {
				if v != "" && strings.ContainsAny(v[:1], "=+-@\t\r\n|%") {
					t.Fatalf("%q begins a formula", v)
				}
				plain := strings.NewReplacer("\r\n", "\n", "\r", "").Replace // what the reader of the test makes of them
				if want := plain(lines[i][j]); plain(v) != want && plain(v) != "'"+want {
					t.Fatalf("%q came back as %q", lines[i][j], v)
				}
			}
		}
	})
}

func TestComplete(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	machine := func(name, enrolled, seen string) Machine {
		m := Machine{Kiosk: fleet.Kiosk{Name: name, Enrolled: at(enrolled).UTC()}}
		if seen != "" {
			m.Seen = at(seen).UTC()
		}
		return m
	}
	for name, c := range map[string]struct {
		month, now string
		machines   []Machine
		through    string
		late       string
	}{
		"over, all here":       {"2026-10", "2026-11-20 12:00", []Machine{machine("A", "2026-01-01 10:00", "2026-11-20 11:59")}, "2026-10-31", ""},
		"over, one silent":     {"2026-10", "2026-11-20 12:00", []Machine{machine("A", "2026-01-01 10:00", "2026-11-20 11:59"), machine("B", "2026-01-01 10:00", "2026-10-12 09:00")}, "2026-10-11", "B 2026-10-11"},
		"silent since before":  {"2026-10", "2026-11-20 12:00", []Machine{machine("B", "2026-01-01 10:00", "2026-09-30 09:00")}, "", "B "},
		"silent since day one": {"2026-10", "2026-11-20 12:00", []Machine{machine("B", "2026-01-01 10:00", "2026-10-01 09:00")}, "", "B "},
		"never seen":           {"2026-10", "2026-11-20 12:00", []Machine{machine("B", "2026-01-01 10:00", "")}, "", "B "},
		"came later":           {"2026-10", "2026-11-20 12:00", []Machine{machine("B", "2026-11-01 00:10", "")}, "2026-10-31", ""},
		"came that last night": {"2026-10", "2026-11-20 12:00", []Machine{machine("B", "2026-10-31 23:50", "2026-11-20 11:00")}, "2026-10-31", ""},
		"runs":                 {"2026-11", "2026-11-20 12:00", []Machine{machine("A", "2026-01-01 10:00", "2026-11-20 11:59")}, "2026-11-19", ""},
		"runs, just midnight":  {"2026-11", "2026-11-20 00:05", []Machine{machine("A", "2026-01-01 10:00", "2026-11-20 00:04")}, "2026-11-18", ""},
		"first day":            {"2026-11", "2026-11-01 12:00", []Machine{machine("A", "2026-01-01 10:00", "2026-11-01 11:00")}, "", ""},
		"the clocks change":    {"2026-10", "2026-10-26 00:20", []Machine{machine("A", "2026-01-01 10:00", "2026-10-26 00:20")}, "2026-10-25", ""},
		"no machines":          {"2026-10", "2026-11-20 12:00", nil, "2026-10-31", ""},
	} {
		m, ok := ParseSpan(c.month, zone)
		if !ok {
			t.Fatal(c.month)
		}
		through, late := m.Complete(c.machines, at(c.now))
		var names []string
		for _, l := range late {
			names = append(names, l.Kiosk.Name+" "+l.Through)
		}
		if through != c.through || strings.Join(names, ", ") != c.late {
			t.Errorf("%s: through %q, late %q", name, through, names)
		}
	}
}

func TestSpan(t *testing.T) {
	for text, ok := range map[string]bool{"2026-11": true, "2026-13": false, "2026-1": false, "": false, "1999-12": false, "2026-11-01": false, "x": false} {
		if _, got := ParseSpan(text, time.UTC); got != ok {
			t.Errorf("%q: %v", text, got)
		}
	}
	m, _ := ParseSpan("2024-02", time.UTC)
	if m.First() != "2024-02-01" || m.Last() != "2024-02-29" || m.Before().String() != "2024-01" || m.Ended(time.Date(2024, 2, 29, 23, 59, 0, 0, time.UTC)) || !m.Ended(time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", m)
	}
	if last := time.Date(2024, 3, 14, 23, 59, 0, 0, time.UTC); m.Closes() != "2024-03-14" || m.Closed(last) || !m.Closed(last.Add(time.Minute)) {
		t.Errorf("closes %s", m.Closes())
	}
	if got := SpanOf(time.Date(2026, 3, 31, 23, 0, 0, 0, time.UTC)).String(); got != "2026-03" {
		t.Error(got)
	}
}
