package front

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"yhteiskone/internal/identity"
)

// filesEvery is how often the files are looked at, at most.
const filesEvery = 5 * time.Second

// Files is a certificate in files that somebody else renews. It is read again
// when the files change; until both fit together again, the one before stays.
type Files struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time

	mu     sync.Mutex
	have   *tls.Certificate
	stamp  string // of the files that were read last
	looked time.Time
}

// OpenFiles reads the files; the error says which is wrong.
func OpenFiles(cert, key string, log *slog.Logger) (*Files, error) {
	f := &Files{cert: cert, key: key, log: log, now: time.Now}
	stamp, err := f.stamps()
	if err != nil {
		return nil, err
	}
	if f.have, err = f.read(); err != nil {
		return nil, err
	}
	f.stamp, f.looked = stamp, f.now()
	return f, nil
}

func (f *Files) stamps() (s string, err error) {
	for _, path := range []string{f.cert, f.key} {
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("read the certificate: %w", err)
		}
		s += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), ";")
	}
	return s, nil
}

func (f *Files) read() (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s with the key %s: %w", f.cert, f.key, err)
	}
	if c.Leaf == nil {
		return nil, errors.New("read the certificate: it is empty")
	}
	return &c, nil
}

// Certificate returns the certificate that the files hold now, whatever name it
// is for.
func (f *Files) Certificate(string) *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.looked) < filesEvery {
		return f.have
	}
	f.looked = now
	stamp, err := f.stamps()
	if err == nil && stamp == f.stamp {
		return f.have
	}
	var fresh *tls.Certificate
	if err == nil {
		fresh, err = f.read()
	}
	if err != nil {
		if stamp == "" || stamp != f.stamp { // told once for each state of the files
			f.log.Error("the certificate's files do not fit; the one before stays", "why", err)
		}
		f.stamp = stamp
		return f.have
	}
	f.have, f.stamp = fresh, stamp
	f.log.Info("the certificate was renewed", "file", f.cert)
	return f.have
}

// Expires is when the certificate ends.
func (f *Files) Expires() time.Time { return f.Certificate("").Leaf.NotAfter }

// Public is what browsers are shown.
type Public interface {
	Certificate(name string) *tls.Certificate // nil: there is none for the name
	Expires() time.Time                       // zero: there is none at all
}

// Choose returns which certificate a client is shown. Browsers get the public
// one while it is valid for the name that they ask for. Kiosks say in their
// greeting that they are kiosks, and always get one of the agent's own, which
// they check by the key that they know: so whatever happens to the public
// certificate, its name or its authority does not touch them. So does anybody
// for whom the public one would be wrong anyway.
func Choose(public Public, own func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	issuer, _ := public.(*Issuer)
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if slices.Contains(hello.SupportedProtos, identity.KioskProtocol) || hello.ServerName == "" {
			return own(hello)
		}
		if issuer != nil {
			if c, asked, err := issuer.Proof(hello); asked {
				return c, err
			}
		}
		if c := public.Certificate(hello.ServerName); c != nil && fits(c.Leaf, hello.ServerName, time.Now()) {
			return c, nil
		}
		return own(hello)
	}
}

func fits(leaf *x509.Certificate, name string, now time.Time) bool {
	return leaf.VerifyHostname(name) == nil && now.Before(leaf.NotAfter) && !now.Before(leaf.NotBefore)
}
