package acceptance

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"yhteiskone/internal/fleet"
)

func marks() []fleet.Mark {
	return []fleet.Mark{fleet.Passed, fleet.AtBuild, fleet.ByHand, fleet.Absent, fleet.Failed, fleet.Unknown}
}

// Every row has a name that fits its column, and something to do when it is not
// as it should be, in every language; nobody is given a word of nothing.
func TestWords(t *testing.T) {
	all := New()
	for _, lang := range Languages() {
		for _, code := range fleet.SheetCodes() {
			for _, m := range marks() {
				name, todo := all.Row(lang, fleet.SheetRow{Code: code, Mark: m})
				if name == "" || name == code || utf8.RuneCountInString(name) > 42 {
					t.Errorf("%s: %s is called %q", lang, code, name)
				}
				byHand := code == "way_36" || code == "way_39"
				if needs := m == fleet.Failed || m == fleet.Unknown || m == fleet.ByHand && byHand; needs != (todo != "") {
					t.Errorf("%s: %s %s: to do %q", lang, code, m, todo)
				}
			}
		}
		for code := range all.in(lang).Row {
			if !slices.Contains(fleet.SheetCodes(), code) {
				t.Errorf("%s: nothing is %s", lang, code)
			}
		}
		for _, m := range append(marks(), HeldByHand) {
			if all.Mark(lang, m) == "" {
				t.Errorf("%s: no word for %s", lang, m)
			}
		}
		for _, p := range fleet.SheetParts() {
			if all.Part(lang, p.Name) == "" {
				t.Errorf("%s: no heading for %s", lang, p.Name)
			}
		}
		for key, text := range all.in(lang).Result {
			for _, hole := range []string{"{good}", "{all}", "{open}", "{hand}", "{here}", "{build}", "{tried}", "{version}", "{rest}", "{restall}"} {
				if strings.Contains(text, hole) != strings.Contains(all.in("en").Result[key], hole) {
					t.Errorf("%s: %s has not the numbers of the English: %s", lang, key, text)
				}
			}
		}
		if a, b := all.in(lang), all.in("en"); len(a.Row) != len(b.Row) || len(a.Result) != len(b.Result) || len(a.Todo) != len(b.Todo) {
			t.Errorf("%s has not as many words as English", lang)
		}
	}
	if name, todo := all.Row("xx", fleet.SheetRow{Code: "new_row", Mark: fleet.Failed}); name != "new_row" || todo != "" {
		t.Errorf("%q %q", name, todo)
	}
	if name, _ := all.Row("xx", fleet.SheetRow{Code: "memory"}); name != "Muisti" {
		t.Errorf("%q", name)
	}
}

func sheet(change map[string]fleet.Mark) fleet.Sheet {
	s := fleet.Sheet{Build: "abcdef012345", Proof: &fleet.ProofSummary{Seq: 1, Clean: true}}
	for _, code := range fleet.SheetCodes() {
		m, ok := change[code]
		if !ok {
			m = fleet.Passed
		}
		s.Rows = append(s.Rows, fleet.SheetRow{Code: code, Mark: m})
	}
	return s
}

// "47 of 47, wipe proved" is said of nothing else.
func TestResult(t *testing.T) {
	texts := New()
	for _, c := range []struct {
		sheet fleet.Sheet
		tried []int
		says  string
		more  string
	}{
		{sheet(map[string]fleet.Mark{"way_07": fleet.AtBuild}), []int{36, 39}, "47 of 47, wipe proved. The computer is finished.",
			"There are 47 ways out of a kiosk. Looked at on this computer: 44. Tried when version abcdef012345 was made: 1. Tried by hand: 2. Of equipment, protections and services in order: 24 of 24."},
		{sheet(nil), nil, "45 of 47 in order, wipe proved. Still to try by hand: 2.",
			"There are 47 ways out of a kiosk. Looked at on this computer: 45. Try by hand and tick: 2. Of equipment, protections and services in order: 24 of 24."},
		{sheet(nil), []int{39}, "46 of 47 in order, wipe proved. Still to try by hand: 1.", ""},
		{sheet(map[string]fleet.Mark{"sound": fleet.Failed, "way_30": fleet.Unknown}), []int{36, 39}, "The computer is not finished yet: 2 to mend or to check. The wipe is proved.",
			"There are 47 ways out of a kiosk. Looked at on this computer: 44. Tried by hand: 2. Of equipment, protections and services in order: 23 of 24."},
		{sheet(map[string]fleet.Mark{"wipe": fleet.Failed}), []int{36, 39}, "The computer is not finished yet: 1 to mend or to check. The wipe is not proved.", ""},
		{fleet.Sheet{}, nil, "The computer is not finished yet: 69 to mend or to check. The wipe is not proved.", ""},
	} {
		headline, more := texts.Result("en", c.sheet, c.sheet.Result(c.tried...))
		if headline != c.says || c.more != "" && strings.Join(more, " ") != c.more {
			t.Errorf("%s\n%s", headline, strings.Join(more, " "))
		}
	}
}
