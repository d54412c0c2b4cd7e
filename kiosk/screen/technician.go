package screen

import (
	"embed"
	"fmt"
	"strings"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// The words of the technician's view, in the three languages that a machine can
// be told to start in. Another one is English there.
//
//go:embed technician/*.toml
var technicianFiles embed.FS

// technicianWords are the words of the technician's view by language and key.
type technicianWords map[string]map[string]string

// Tech says a text of the technician's view; name and value are of what stands
// in it in braces.
func (p page) Tech(key string, values ...any) (string, error) {
	said := p.technician[p.technicianLang()][key]
	if said == "" {
		return "", fmt.Errorf("no words for %q in the technician's view", key)
	}
	for i := 0; i+1 < len(values); i += 2 {
		said = strings.ReplaceAll(said, fmt.Sprintf("{%v}", values[i]), fmt.Sprint(values[i+1]))
	}
	return said, nil
}

// FaultCodes are the codes of what is wrong.
func (p page) FaultCodes() []string {
	return strings.FieldsFunc(p.Technician.Faults, func(r rune) bool { return r == ',' })
}

// CheckSays is a sentence about the check.
func (p page) CheckSays() (string, error) {
	if p.Technician.Check == session.CheckNone {
		return p.Tech("none")
	}
	return p.Tech(string(p.Technician.Check))
}

// Runs reports whether the check is being made.
func (p page) Runs() bool { return p.Technician.Check == session.CheckRuns }

// verdict is what a sheet comes to.
type verdict struct {
	Good     bool
	Headline string
	More     string
	Rows     []verdictRow // what somebody has to do something about
}

type verdictRow struct{ Name, Mark, Value, Todo string }

// Verdict is what the sheet that was made comes to; nil without one.
func (p page) Verdict() *verdict {
	s := p.Technician.Sheet
	if s == nil {
		return nil
	}
	lang, words, result := p.technicianLang(), p.sheet, s.Result()
	v := &verdict{Good: result.Accepted()}
	var more []string
	v.Headline, more = words.Result(lang, *s, result)
	v.More = strings.Join(more, " ")
	for _, r := range s.Judged() {
		if r.Mark == fleet.Passed || r.Mark == fleet.AtBuild || r.Mark == fleet.Absent {
			continue
		}
		name, todo := words.Row(lang, r)
		v.Rows = append(v.Rows, verdictRow{name, words.Mark(lang, r.Mark), r.Value, todo})
	}
	return v
}
