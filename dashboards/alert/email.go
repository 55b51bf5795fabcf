package alert

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// An email sends text/plain, each incident as one conversation.
//
// https://www.rfc-editor.org/rfc/rfc5322
type email struct {
	cfg     Email
	timeout time.Duration
	roots   *tls.Config // nil for the system's; tests bring their own
}

func (e *email) traits() traits { return traits{} }

func (e *email) send(ctx context.Context, a Alert, _ string) (string, error) {
	m, err := e.message(a, time.Now())
	if err != nil {
		return "", err
	}
	client, err := e.dialer()
	if err != nil {
		return "", err
	}
	if err := client.DialAndSendWithContext(ctx, m); err != nil {
		r := request{secrets: []Secret{e.cfg.Password}}
		return "", fmt.Errorf("mail to %s: %s", e.cfg.Server, r.without(err.Error()))
	}
	return "", nil
}

func (e *email) message(a Alert, now time.Time) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithCharset(mail.CharsetUTF8), mail.WithNoDefaultUserAgent())
	if err := m.From(e.cfg.From); err != nil {
		return nil, fmt.Errorf("mail: the sender cannot be used: %w", err)
	}
	if err := m.To(e.cfg.To...); err != nil {
		return nil, fmt.Errorf("mail: a recipient cannot be used: %w", err)
	}
	subject := a.Subject
	if subject == "" {
		subject = a.Title
	}
	m.Subject("[why503] " + oneLine(subject))
	m.SetDateWithValue(now)
	// The same message has the same id when it is sent again; those of an
	// incident refer to its first.
	domain := "why503.invalid"
	if _, d, ok := strings.Cut(e.cfg.From, "@"); ok {
		domain = strings.TrimRight(d, ">")
	}
	m.SetMessageIDWithValue(key(a.Key, e.cfg.Server) + "@" + domain) // in < > by itself
	if a.ID != "" {
		thread := "<incident-" + key(a.ID) + "@" + domain + ">"
		m.SetGenHeaderPreformatted(mail.HeaderReferences, thread)
		m.SetGenHeaderPreformatted(mail.HeaderInReplyTo, thread)
	}
	// So that nobody's vacation answers: RFC 3834.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Why503-Incident", oneLine(a.ID))
	m.SetGenHeader("X-Why503-Kind", string(a.Kind))
	m.SetBodyString(mail.TypeTextPlain, a.Text)
	return m, nil
}

// oneLine leaves nothing that could begin another header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func (e *email) dialer() (*mail.Client, error) {
	host, portText, err := net.SplitHostPort(e.cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", e.cfg.Server, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: its port is no number", e.cfg.Server)
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(e.timeout)}
	switch e.cfg.TLS {
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if e.roots != nil {
		options = append(options, mail.WithTLSConfig(e.roots))
	}
	if e.cfg.User != "" {
		auth := mail.SMTPAuthAutoDiscover
		if e.cfg.TLS == "none" { // to this machine only, see Validate
			auth = mail.SMTPAuthPlainNoEnc
		}
		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(e.cfg.User), mail.WithPassword(e.cfg.Password.Reveal()))
	}
	return mail.NewClient(host, options...)
}
