package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLabel(t *testing.T) {
	a := newAgent(t)
	out := filepath.Join(t.TempDir(), "labels.html")
	said, code, err := provision(t, append([]string{"label", "--site", "illusia", "--phone", "09 123 4567", "--out", out}, a.flags()...)...)
	if code != 0 || !strings.Contains(said, "holds 3 labels") {
		t.Fatalf("exit %d: %v: %s", code, err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"<h1>Kone 1</h1>", "Aula &lt;b&gt;", "<h1>Kone 2</h1>", "09 123 4567", "Jos kone ei toimi, soita", "size: A4", "<svg "} {
		if !strings.Contains(string(text), says) {
			t.Errorf("it does not say %s", says)
		}
	}
	if strings.Contains(string(text), "tori") || strings.Contains(string(text), "http") || strings.Contains(string(text), "t0ken") {
		t.Error("it holds what no label should")
	}
	for says, args := range map[string][]string{
		"exists":                    {"--out", out},
		"--out is missing":          {},
		"no kiosk \"Kone 9\"":       {"Kone 9", "--out", out, "--force"},
		"no kiosk \"kone 2\" there": {"kone 2", "--site", "tori", "--out", out, "--force"},
		"no machine":                {"--site", "muualla", "--out", out, "--force"},
		"language":                  {"--lang", "de", "--out", out, "--force"},
		"--phone holds":             {"--phone", "\x1b", "--out", out, "--force"},
		"cannot be written":         {"--out", "/nowhere/x.html"},
	} {
		if _, code, err := provision(t, append(append([]string{"label"}, args...), a.flags()...)...); code != 2 || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: exit %d: %v", says, code, err)
		}
	}
	for lang, says := range map[string]string{"sv": "ring", "en": "call"} {
		if _, code, err := provision(t, append([]string{"label", "kcccccccccccc", "--phone", "112", "--lang", lang, "--out", out, "--force"}, a.flags()...)...); code != 0 {
			t.Errorf("exit %d: %v", code, err)
		}
		if text, _ := os.ReadFile(out); !strings.Contains(string(text), says) || strings.Count(string(text), "<article>") != 1 {
			t.Errorf("%s: %s", lang, text)
		}
	}
}
