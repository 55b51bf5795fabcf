package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"why503/dashboards/report"
)

// A slackHook posts to an incoming webhook. It can neither edit nor thread, so
// each message stands for itself.
//
// https://api.slack.com/messaging/webhooks
// https://developers.mattermost.com/integrate/webhooks/incoming/
type slackHook struct {
	cfg    Slack
	client *http.Client
}

func (s *slackHook) traits() traits { return traits{} }

func (s *slackHook) send(ctx context.Context, a Alert, _ string) (string, error) {
	m := slackMessage(a, s.cfg.Mention)
	m.Channel = s.cfg.Channel
	_, err := post(ctx, s.client, request{url: s.cfg.URL.Reveal(), body: m, secrets: []Secret{s.cfg.URL}})
	return "", err
}

// slackAPIClient posts, edits and threads with a bot's token.
//
// https://api.slack.com/methods/chat.postMessage
// https://api.slack.com/methods/chat.update
type slackAPIClient struct {
	cfg    Slack
	base   string
	client *http.Client
}

func newSlackAPI(cfg Slack, client *http.Client) *slackAPIClient {
	base := slackAPI
	if cfg.URL != "" {
		base = strings.TrimRight(cfg.URL.Reveal(), "/")
	}
	return &slackAPIClient{cfg, base, client}
}

func (s *slackAPIClient) traits() traits { return traits{edits: true} }

// send names a message by its channel and its time stamp: chat.update wants the
// channel's id, which the configuration need not have.
func (s *slackAPIClient) send(ctx context.Context, a Alert, root string) (string, error) {
	m := slackMessage(a, s.cfg.Mention)
	m.Channel = s.cfg.Channel
	if channel, ts, ok := strings.Cut(root, " "); ok {
		m.Channel, m.Thread = channel, ts
	}
	answer, err := s.call(ctx, "chat.postMessage", m)
	if err != nil {
		return "", err
	}
	if answer.Channel == "" || answer.TS == "" {
		return "", nil
	}
	return answer.Channel + " " + answer.TS, nil
}

func (s *slackAPIClient) edit(ctx context.Context, a Alert, ref string) error {
	m := slackMessage(a, s.cfg.Mention)
	var ok bool
	if m.Channel, m.TS, ok = strings.Cut(ref, " "); !ok {
		return errGone
	}
	_, err := s.call(ctx, "chat.update", m)
	return err
}

// A slackAnswer has status 200 also when it is an error.
type slackAnswer struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

func (s *slackAPIClient) call(ctx context.Context, method string, m slackBody) (slackAnswer, error) {
	var answer slackAnswer
	header := map[string]string{"Authorization": "Bearer " + s.cfg.Token.Reveal()}
	body, err := post(ctx, s.client, request{url: s.base + "/" + method, body: m, header: header, secrets: []Secret{s.cfg.Token}})
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("%s: the answer is no JSON", method)
	}
	switch {
	case answer.OK:
		return answer, nil
	case answer.Error == "message_not_found", answer.Error == "cant_update_message", answer.Error == "edit_window_closed":
		return answer, errGone
	case answer.Error == "":
		return answer, errors.New(method + ": the answer says neither ok nor why not")
	}
	return answer, fmt.Errorf("%s: %s", method, report.Escape(answer.Error))
}

// A slackBody is a message. Slack shows the blocks and makes the notification
// of the text; what does not know blocks shows the text.
type slackBody struct {
	Channel     string       `json:"channel,omitempty"`
	Thread      string       `json:"thread_ts,omitempty"`
	TS          string       `json:"ts,omitempty"`
	Text        string       `json:"text"`
	Blocks      []slackBlock `json:"blocks"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

type slackBlock struct {
	Type     string         `json:"type"`
	Text     *slackText     `json:"text,omitempty"`
	Elements []slackElement `json:"elements,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackElement struct {
	Type     string          `json:"type"`
	Text     string          `json:"text,omitempty"`
	URL      string          `json:"url,omitempty"`
	Style    map[string]bool `json:"style,omitempty"`
	Elements []slackElement  `json:"elements,omitempty"`
}

// slackMessage writes the blocks as rich text, whose elements Slack does not
// read for markup, mentions or links.
//
// https://api.slack.com/reference/block-kit/blocks#rich_text
func slackMessage(a Alert, mention string) slackBody {
	m := slackBody{Text: slackPlain(a)}
	if mention != "" && (a.Kind == Opened && a.Firing || a.Kind == Burning) {
		m.Text = mention + " " + m.Text
		m.Blocks = append(m.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", mention}})
	}
	text := func(s string) slackElement { return slackElement{Type: "text", Text: s} }
	styled := func(s, style string) slackElement {
		return slackElement{Type: "text", Text: s, Style: map[string]bool{style: true}}
	}
	section := func(e ...slackElement) slackElement {
		return slackElement{Type: "rich_text_section", Elements: e}
	}
	rich := slackBlock{Type: "rich_text", Elements: []slackElement{section(text(a.mark()+" "), styled(a.Title, "bold"))}}
	add := func(e ...slackElement) { rich.Elements = append(rich.Elements, section(e...)) }
	for _, s := range append([]string{a.Sentence, a.facts()}, a.Digest...) {
		if s != "" {
			add(text("\n" + s))
		}
	}
	if a.Quote != "" {
		rich.Elements = append(rich.Elements, slackElement{Type: "rich_text_preformatted", Elements: []slackElement{text(a.Quote)}})
		if a.Source != "" {
			add(styled(a.Source, "italic"))
		}
	}
	if a.Do != "" && a.Firing {
		add(text("\ndo  " + a.Do))
	}
	if a.Next != "" {
		add(text("\nnext  "), styled(a.Next, "code"))
	}
	if a.Link != "" {
		add(text("   "), slackElement{Type: "link", URL: a.Link, Text: "Incident"})
	}
	m.Blocks = append(m.Blocks, rich)
	return m
}

// slackPlain is the text for notifications, and for servers that read it as
// their own Markdown: what such a server would take for markup or a mention is
// taken apart, what Slack would is escaped.
//
// https://api.slack.com/reference/surfaces/formatting#escaping
func slackPlain(a Alert) string {
	link, code := a.Link, a.Quote
	a.Link, a.Quote = "", ""
	text := inert.Replace(a.plain())
	if code != "" {
		text += "```\n" + slackEscape.Replace(strings.ReplaceAll(code, "`", "'")) + "\n```\n" + inert.Replace(a.Source) + "\n"
	}
	if link != "" {
		text += "<" + slackEscape.Replace(strings.ReplaceAll(link, "|", "%7C")) + "|Incident>"
	}
	return strings.TrimSpace(text)
}

// apart is a character without width: between a sign and what follows, the
// sign is only a sign.
const apart = "\u200b"

var (
	slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	inert       = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@"+apart, "*", "*"+apart, "~", "~"+apart,
		"`", "'", "[", "["+apart, "](", "]"+apart+"(", "://", ":"+apart+"//", "#", "#"+apart)
)
