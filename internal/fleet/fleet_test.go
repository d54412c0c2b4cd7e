package fleet_test

import (
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
)

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"Kone 3": true, "Päiväkeskus Ranta": true, "O'Brien & <b>": true, "می\u200cخواهم": true, "Kone \U0001f642": true, strings.Repeat("ä", 60): true,
		"": false, "   ": false, "\u00a0\u3000": false, strings.Repeat("ä", 61): false, "a\nb": false, "a\x1b[31m": false, "a\x85": false, "\xff": false,
		"\u202egnp.exe": false, "satu\u200b": false, "\ufeffsatu": false, "a\u2066b\u2069": false, "a\u2028b": false, "a\u200eb": false, "a\u2060b": false,
	} {
		if err := fleet.CheckName("name", name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
