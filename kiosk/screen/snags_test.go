package screen

import (
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// Whatever keeps a machine from starting is said in the three languages, with
// what to do, in whole sentences, and the agent's address where that is the
// question; and there are no words for what cannot be.
func TestSnagsAreSaid(t *testing.T) {
	r := renderer(t)
	for lang, words := range r.snags {
		if len(words) != len(session.Snags())+1 {
			t.Errorf("%s has words for %d", lang, len(words)-1)
		}
		seen := map[string]session.Snag{}
		for _, s := range session.Snags() {
			view := session.View{State: fleet.Starting, Lang: lang, Snag: s, SnagAt: "https://agent.example:8443"}
			said, err := r.Spoken(view)
			if err != nil {
				t.Errorf("%s, %s: %v", lang, s, err)
				continue
			}
			if strings.ContainsAny(said, "{}") || strings.Contains(said, "agent.example") != (s == session.SnagNoAgent) {
				t.Errorf("%s, %s: %s", lang, s, said)
			}
			for part, text := range words[string(s)] {
				if text != strings.TrimSpace(text) || !strings.HasSuffix(strings.TrimSuffix(text, "{agent}"), ".") && !strings.HasSuffix(text, ": {agent}") {
					t.Errorf("%s, %s, %s is no sentence: %q", lang, s, part, text)
				}
				if other, twice := seen[text]; twice && part == "title" {
					t.Errorf("%s says the same of %s and %s", lang, s, other)
				}
				seen[text] = s
			}
		}
	}
	if len(r.snags) != 3 {
		t.Errorf("there are %d languages", len(r.snags))
	}
}
