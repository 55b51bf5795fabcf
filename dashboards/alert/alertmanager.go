package alert

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"
)

// ownLabels are those that every alert has. They name it: an incident of a
// site has one alert for each cause it is told under. Ids and figures are
// annotations, so that labels stay few.
var ownLabels = []string{"alertname", "site", "cause", "layer", "severity"}

// An alertmanager posts to all members of a cluster, which is what they ask of
// their clients, and repeats what goes on: an alert is over when it has not
// been heard of for four times the interval, so one of a program that died is
// not on for ever.
//
// https://prometheus.io/docs/alerting/latest/clients/
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
type alertmanager struct {
	cfg    Alertmanager
	client *http.Client
	log    *slog.Logger
}

func newAlertmanager(cfg Alertmanager, client *http.Client, log *slog.Logger) *alertmanager {
	cfg.Resend = cmp.Or(cfg.Resend, defaultResend)
	return &alertmanager{cfg, client, log}
}

func (m *alertmanager) traits() traits { return traits{states: true} }

func (m *alertmanager) again() time.Duration { return m.cfg.Resend }

func (m *alertmanager) send(ctx context.Context, a Alert, _ string) (string, error) {
	if a.Kind == Merged { // the whole may have the same labels: it would end with its part
		return "", nil
	}
	now := time.Now()
	list := []postable{m.postable(a, now)}
	if a.Kind == CauseChanged { // other labels are another alert
		was := a
		was.Cause, was.Layer, was.Firing, was.End = a.WasCause, a.WasLayer, false, &now
		if was.Cause != a.Cause {
			list = append(list, m.postable(was, now))
		}
	}
	return "", m.post(ctx, list)
}

// state posts what goes on, bounded in each request.
func (m *alertmanager) state(ctx context.Context, firing []Alert) error {
	now := time.Now()
	var errs []error
	for len(firing) > 0 {
		n := min(len(firing), 64)
		var list []postable
		for _, a := range firing[:n] {
			list = append(list, m.postable(a, now))
		}
		errs = append(errs, m.post(ctx, list))
		firing = firing[n:]
	}
	return errors.Join(errs...)
}

type postable struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

func (m *alertmanager) postable(a Alert, now time.Time) postable {
	p := postable{Labels: maps.Clone(m.cfg.Labels), StartsAt: a.Start.UTC(), EndsAt: now.Add(4 * m.cfg.Resend).UTC(), GeneratorURL: a.Link}
	if p.Labels == nil {
		p.Labels = make(map[string]string)
	}
	name := "Why503Incident"
	if a.SLO != nil {
		name = "Why503BudgetBurn"
	}
	for k, v := range map[string]string{"alertname": name, "site": a.Site, "cause": a.Cause, "layer": a.Layer, "severity": a.Severity} {
		if v = strings.ToValidUTF8(v, "?"); v != "" {
			p.Labels[k] = v
		}
	}
	p.Annotations = make(map[string]string)
	for k, v := range map[string]string{"summary": a.Title, "description": a.Sentence, "incident": a.ID, "causes": a.Causes, "where": a.Where,
		"evidence": a.Quote, "evidence_source": a.Source, "advice": a.Do, "next_command": a.Next} {
		if v != "" {
			p.Annotations[k] = v
		}
	}
	if !a.Firing {
		p.EndsAt = now.UTC()
		if a.End != nil && a.End.Before(now) && a.Kind != Merged && a.Kind != Withdrawn {
			p.EndsAt = a.End.UTC()
		}
	}
	// Alertmanager refuses an end before the start.
	if p.EndsAt.Before(p.StartsAt) {
		p.StartsAt = p.EndsAt
	}
	return p
}

// post succeeds when one member took the alerts: it tells the others.
func (m *alertmanager) post(ctx context.Context, list []postable) error {
	header := make(map[string]string)
	secrets := []Secret{m.cfg.Password, m.cfg.Token}
	switch {
	case m.cfg.Token != "":
		header["Authorization"] = "Bearer " + m.cfg.Token.Reveal()
	case m.cfg.User != "":
		pair := base64.StdEncoding.EncodeToString([]byte(m.cfg.User + ":" + m.cfg.Password.Reveal()))
		header["Authorization"] = "Basic " + pair
		secrets = append(secrets, Secret(pair))
	}
	var errs []error
	for _, u := range m.cfg.URLs {
		r := request{url: strings.TrimRight(u, "/") + "/api/v2/alerts", body: list, header: header, secrets: append(secrets, Secret(u))}
		if _, err := post(ctx, m.client, r); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == len(m.cfg.URLs) {
		return errors.Join(errs...)
	}
	for _, err := range errs {
		m.log.Warn("a member of the Alertmanager cluster did not take an alert", "err", err)
	}
	return nil
}
