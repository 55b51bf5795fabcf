package alert

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"why503/dashboards/report"
)

// newClient returns a client that follows no redirects: a request with a
// secret in it goes where the configuration says, or nowhere.
func newClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// maxAnswer bounds what is read of an answer, maxShown what is shown of it.
const (
	maxAnswer = 64 << 10
	maxShown  = 200
)

// A request is one POST of JSON.
type request struct {
	url    string
	body   any
	header map[string]string
	// secrets are kept out of errors, wherever they come from.
	secrets []Secret
}

// post returns the body of an answer of status 2xx.
func post(ctx context.Context, client *http.Client, r request) ([]byte, error) {
	data, err := json.Marshal(r.body)
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(data))
	if err != nil {
		return nil, errors.New("the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "why503")
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, r.clean(req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 != 2 {
		said := r.without(strings.TrimSpace(string(body)))
		if len(said) > maxShown {
			said = strings.ToValidUTF8(said[:maxShown], "") + "…"
		}
		err = fmt.Errorf("%s answered %d %s", req.URL.Host, resp.StatusCode, report.Escape(said))
		if resp.StatusCode/100 == 3 {
			err = fmt.Errorf("%s answered %d: redirects are not followed, give the final URL", req.URL.Host, resp.StatusCode)
		}
		if wait := retryAfter(resp.Header.Get("Retry-After"), time.Now()); wait > 0 {
			err = laterError{err, wait}
		}
		return nil, err
	}
	if err != nil {
		return nil, r.clean(req.URL, err)
	}
	return body, nil
}

// clean is an error of a request without its URL, in which *url.Error has it.
func (r *request) clean(u *url.URL, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) || wrapped != nil && wrapped.Timeout() {
		return fmt.Errorf("%s did not answer in time", u.Host)
	}
	return fmt.Errorf("%s could not be reached: %s", u.Host, r.without(err.Error()))
}

// without is text less the secrets, and less what the URL has beyond its host:
// the secret of a webhook is its path.
func (r *request) without(text string) string {
	hide := func(s string) {
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, hidden)
		}
	}
	for _, s := range r.secrets {
		hide(s.Reveal())
		if u, err := url.Parse(s.Reveal()); err == nil && u.Host != "" {
			hide(u.RequestURI())
			hide(u.Path)
			hide(u.RawQuery)
			if p, ok := u.User.Password(); ok {
				hide(p)
				hide(base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + p)))
			}
		}
	}
	return text
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n > 0 {
		return time.Duration(min(n, int(maxRetry/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil && t.After(now) {
		return min(t.Sub(now), maxRetry)
	}
	return 0
}
