package alert

import (
	"context"
	"net/http"
)

// A webhook posts the Alert as it is.
type webhook struct {
	cfg    Webhook
	client *http.Client
}

func (w *webhook) traits() traits { return traits{} }

// send has the dedup key in a header too, as services that offer idempotent
// requests take it:
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
func (w *webhook) send(ctx context.Context, a Alert, _ string) (string, error) {
	header := map[string]string{"Idempotency-Key": `"` + a.Key + `"`}
	if w.cfg.Token != "" {
		header["Authorization"] = "Bearer " + w.cfg.Token.Reveal()
	}
	_, err := post(ctx, w.client, request{url: w.cfg.URL.Reveal(), body: a, header: header, secrets: []Secret{w.cfg.URL, w.cfg.Token}})
	return "", err
}
