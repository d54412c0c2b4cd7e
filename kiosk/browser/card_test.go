package browser

import (
	"slices"
	"strings"
	"testing"
)

// What a card needs is there with a reader, and only then.
func TestCard(t *testing.T) {
	s := Sandbox{Memory: 4 << 30, Launcher: "/usr/bin/kiosk"}
	if line := strings.Join(Args(s), " "); strings.Contains(line, "pcscd") {
		t.Errorf("without a reader: %s", line)
	}
	s.Card = true
	args := Args(s)
	if i := slices.Index(args, cardSocket); i < 1 || args[i-1] != "--ro-bind-try" || args[i+1] != cardSocket {
		t.Errorf("with a reader the card service's socket is missing: %v", args)
	}
	for name, card := range map[string]func() bool{"nobody asks": nil, "no reader": func() bool { return false }} {
		if got := (&Browser{o: Options{Card: card}}).card(); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestModules(t *testing.T) {
	text := string(modules("/usr/lib/x/pkcs11/onepin-opensc-pkcs11.so"))
	parts := strings.Split(text, "\n\n")
	if len(parts) != 3 || !strings.HasPrefix(parts[0], "library=\nname=NSS Internal") || !strings.Contains(parts[0], "configdir='sql:/home/client/.pki/nssdb'") ||
		!strings.HasPrefix(parts[1], "library=/usr/lib/x/pkcs11/onepin-opensc-pkcs11.so\nname=OpenSC\n") || parts[2] != "" {
		t.Errorf("NSS reads a module for each paragraph: %q", parts)
	}
}
