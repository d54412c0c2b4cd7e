package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Mail is the mail server that messages go out through. It is the
// configuration's, so it may be anywhere.
type Mail struct {
	Host     string
	Port     int
	From     string
	User     string // empty: no sign-in
	Password string
	TLS      MailTLS
	Roots    *x509.CertPool // nil: the system's
}

// MailTLS says how the way to the mail server is kept from others.
type MailTLS string

// The ways. Plain is for a server on this machine.
const (
	StartTLS  MailTLS = "starttls"
	DirectTLS MailTLS = "tls"
	Plain     MailTLS = "none"
)

// mailTime is how long a mail may take.
const mailTime = 30 * time.Second

// send gives a mail to the server and says why it failed.
func (m *Mail) send(ctx context.Context, to, id string, l letterOf, foot string) Why {
	msg := mail.NewMsg()
	if msg.From(m.From) != nil || msg.To(to) != nil {
		return WhyRefused
	}
	msg.Subject(l.Subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(id + "@" + m.From[strings.LastIndex(m.From, "@")+1:])
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that no holiday answer comes back
	msg.SetBodyString(mail.TypeTextPlain, l.plain()+"\n"+l.Look+": "+l.Link+"\n\n-- \n"+foot+"\n")

	options := []mail.Option{mail.WithPort(m.Port), mail.WithTimeout(mailTime),
		mail.WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: m.Host, RootCAs: m.Roots})}
	switch m.TLS {
	case DirectTLS:
		options = append(options, mail.WithSSL())
	case Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(m.Password))
	}
	c, err := mail.NewClient(m.Host, options...)
	if err != nil {
		return WhyRefused
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	err = c.DialAndSendWithContext(ctx, msg)
	var refusal *mail.SendError
	var said *textproto.Error
	switch {
	case err == nil, msg.IsDelivered():
		return WhyNone // a goodbye that went wrong changes nothing
	case errors.Is(err, mail.ErrNoSupportedAuthDiscovered), errors.As(err, &said) && (said.Code == 535 || said.Code == 534 || said.Code == 530 || said.Code == 538):
		return WhySignIn
	case errors.As(err, &refusal) && refusal.ErrorCode() != 0:
		return WhyRefused
	}
	return whyOf(err)
}
