package speech

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// words are what the voice makes nothing of, in each language. Those that it
// reads well by itself are not here.
func words(lang string) map[string]string {
	switch lang {
	case "fi":
		return map[string]string{"klo": "kello", "min": "minuuttia", "esim.": "esimerkiksi"}
	case "sv":
		return map[string]string{"kl.": "klockan", "min": "minuter", "t.ex.": "till exempel"}
	case "et":
		return map[string]string{"kl": "kell", "min": "minutit"}
	default:
		return nil
	}
}

// between is how a range of numbers is said.
func between(lang string) string {
	switch lang {
	case "fi":
		return " viiva "
	case "sv":
		return " till "
	case "en":
		return " to "
	default:
		return ", "
	}
}

// What stands for times, ranges and long numbers. \b knows Latin letters only,
// which is all that is needed around digits.
var (
	clock  = regexp.MustCompile(`\b([01]?[0-9]|2[0-3])[.:]([0-5][0-9])\b([.:][0-9]+)?`)
	ranges = regexp.MustCompile(`([0-9])\s?[–—]\s?([0-9])`)
	long   = regexp.MustCompile(`(?:\+[0-9]+|\b0[0-9]+)(?: [0-9]{2,})*\b|\b[0-9]{7,}\b`)
)

// Plain is the text as the voice should read it: times and telephone numbers
// as people say them, nothing that the voice would take for an instruction.
func Plain(text, lang string) string {
	text = strings.ToValidUTF8(text, " ")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return '\n'
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case r == '[' || r == ']' || r == '<' || r == '>':
			return ' ' // [[...]] are sounds, <...> marks
		default:
			return r
		}
	}, text)
	text = clock.ReplaceAllStringFunc(text, func(time string) string {
		m := clock.FindStringSubmatch(time)
		switch {
		case m[3] != "":
			return time // a date or a version
		case m[2] == "00":
			return m[1]
		}
		return m[1] + " " + m[2]
	})
	// Numbers that must be heard digit by digit.
	text = long.ReplaceAllStringFunc(text, func(number string) string {
		groups := strings.Fields(number)
		for i, g := range groups {
			groups[i] = strings.Join(strings.Split(g, ""), " ")
		}
		return strings.Join(groups, ", ")
	})
	text = ranges.ReplaceAllString(text, "$1"+between(lang)+"$2")
	if special := words(lang); special != nil {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			fields := strings.Fields(line)
			for j, field := range fields {
				bare := strings.TrimRight(field, ",;:!?")
				if said, ok := special[bare]; ok {
					fields[j] = said + field[len(bare):]
				}
			}
			lines[i] = strings.Join(fields, " ")
		}
		text = strings.Join(lines, "\n")
	}
	if len(text) > textMax {
		text = text[:textMax]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return strings.TrimSpace(text)
}
