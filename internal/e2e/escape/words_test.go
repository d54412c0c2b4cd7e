package escape

import (
	"os"
	"strings"
	"testing"
)

// The kiosk's own pages are known by their titles in every complete language.
func TestWordsAreTheKiosks(t *testing.T) {
	for _, lang := range []string{"fi", "sv", "en"} {
		text, err := os.ReadFile("../../../kiosk/browser/text/" + lang + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		for name, known := range map[string]func(string) bool{"blocked_title": isBlockedPage, "home_title": isHome} {
			_, after, _ := strings.Cut(string(text), "\n"+name+" = \"")
			title, _, found := strings.Cut(after, "\"\n")
			if !found || !known(title) {
				t.Errorf("%s: %s is %q", lang, name, title)
			}
		}
	}
}
