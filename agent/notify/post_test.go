package notify_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
)

// letterbox is a mail server of one address: it takes mail over a real
// connection and keeps it.
type letterbox struct {
	host  string
	port  int
	tls   *tls.Config // nil: no STARTTLS
	taken func(id string)

	mu    sync.Mutex
	mails []received
	says  map[string]string // an answer in place of the usual one, by verb
}

type received struct {
	to, id, subject, body string
	head                  mail.Header
	secret                bool // came over TLS
}

func newLetterbox(t *testing.T, conf *tls.Config) *letterbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	b := &letterbox{host: "127.0.0.1", port: l.Addr().(*net.TCPAddr).Port, tls: conf, says: map[string]string{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
	return b
}

func (b *letterbox) answer(verb, says string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.says[verb] = says
}

func (b *letterbox) all() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received{}, b.mails...)
}

func (b *letterbox) serve(c net.Conn) {
	defer func() { c.Close() }()
	in := bufio.NewReader(c)
	say := func(s string) { io.WriteString(c, s+"\r\n") }
	say("220 letterbox")
	var got received
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		b.mu.Lock()
		special := b.says[verb]
		b.mu.Unlock()
		if special != "" {
			say(special)
			continue
		}
		switch verb {
		case "EHLO", "HELO":
			if b.tls != nil && !got.secret {
				say("250-letterbox\r\n250-STARTTLS\r\n250 8BITMIME")
			} else {
				say("250-letterbox\r\n250-AUTH PLAIN\r\n250 8BITMIME")
			}
		case "STARTTLS":
			say("220 go on")
			secure := tls.Server(c, b.tls)
			if secure.Handshake() != nil {
				return
			}
			c, in, got.secret = secure, bufio.NewReader(secure), true
			say = func(s string) { io.WriteString(secure, s+"\r\n") }
		case "RCPT":
			got.to = strings.Trim(strings.TrimSpace(line[strings.Index(line, ":")+1:]), "<>")
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			got.read(text.String())
			b.mu.Lock()
			b.mails = append(b.mails, got)
			b.mu.Unlock()
			if b.taken != nil {
				b.taken(got.id)
			}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		case "AUTH":
			say("235 ok")
		default:
			say("250 ok")
		}
	}
}

func (r *received) read(text string) {
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		r.body = text
		return
	}
	r.head = m.Header
	r.id = m.Header.Get("Message-Id")
	r.subject, _ = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	var body io.Reader = m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	all, _ := io.ReadAll(body)
	r.body = strings.ReplaceAll(string(all), "\r\n", "\n")
}
