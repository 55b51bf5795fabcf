package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"why503/aggregate"
	"why503/cmd/internal/conf"
)

type checkFlags struct {
	url, tokenFile, ca string
	window, timeout    string
	warning, critical  string
	lag                [2]string
	site, backend      string
	limits             limits
	span, patience     time.Duration
}

func checkCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [flags]",
		Short: "Ask a running serve how it goes, for Nagios and Icinga",
		Long: `check asks a running why503 serve (or aggregate) how many requests failed in the
last minutes, and answers in one line with the exit code that monitoring systems
take, and with performance data.

Exit codes
  0  OK, also when there were too few requests to judge
  1  WARNING
  2  CRITICAL
  3  UNKNOWN: no answer, no lines to judge by, or the command line is wrong`,
		Example: `  why503 check --window 5m --warning 1 --critical 5 --min-requests 200
  why503 check --url https://why503.shop.example --token-file /etc/why503/token
  why503 check --site shop.example --backend app2 --critical 20`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(c, fmt.Sprintf("%s: check takes no arguments. See %s --help", args[0], c.CommandPath()))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return runCheck(c, &f) },
	}
	where, judge := newGroup("What is asked"), newGroup("How it is judged")
	fs := where.flags
	fs.StringVar(&f.url, "url", "http://127.0.0.1:8503", "`URL`: of the running why503, http://127.0.0.1:8503 by default")
	fs.StringVar(&f.tokenFile, "token-file", "", "`FILE`: that holds its token; else WHY503_TOKEN")
	fs.StringVar(&f.ca, "ca", "", "`FILE`: certificates to trust beside those of the system")
	fs.StringVar(&f.site, "site", "", "`HOST`: requests to this site")
	fs.StringVar(&f.backend, "backend", "", "`NAME`: requests that this backend was to answer")
	fs.StringVar(&f.window, "window", "5m", "`SPAN`: how much of the past is judged, 5m by default")
	fs.StringVar(&f.timeout, "timeout", "10s", "`SPAN`: how long the answer may take, 10s by default")
	fs = judge.flags
	fs.StringVar(&f.warning, "warning", "1", "`PERCENT`: more failed requests than this are a WARNING, 1 by default")
	fs.StringVar(&f.critical, "critical", "5", "`PERCENT`: more than this are CRITICAL, 5 by default")
	fs.Int64Var(&f.limits.requests, "min-requests", 20, "`N`: with fewer requests it is not judged, 20 by default")
	fs.StringVar(&f.lag[0], "lag-warning", "30s", "`SPAN`: a WARNING when reading is further behind the logs, 30s by default")
	fs.StringVar(&f.lag[1], "lag-critical", "2m", "`SPAN`: CRITICAL when it is further behind, 2m by default")
	take(c, where, judge)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return unknown(c, flagError(c, err).Error()) })
	return c
}

// unknown ends the check with the state that says it could not be made. A
// monitoring system shows the first line of standard output alone.
func unknown(c *cobra.Command, text string) error {
	fmt.Fprintln(c.OutOrStdout(), "UNKNOWN: "+oneLine(text))
	return exitCode(stateUnknown)
}

func runCheck(c *cobra.Command, f *checkFlags) error {
	ask, err := f.request()
	if err != nil {
		return unknown(c, err.Error())
	}
	ctx, cancel := context.WithTimeout(c.Context(), f.patience)
	defer cancel()
	answer, err := f.ask(ctx, ask)
	if err != nil {
		return unknown(c, err.Error())
	}
	state, line := judge(answer, f.limits, time.Now())
	fmt.Fprintln(c.OutOrStdout(), line)
	if state == stateOK {
		return nil
	}
	return exitCode(state)
}

// request reads the flags and makes the request of them.
func (f *checkFlags) request() (*http.Request, error) {
	var err error
	for _, x := range []struct {
		flag, text string
		to         *float64
	}{{"warning", f.warning, &f.limits.warning}, {"critical", f.critical, &f.limits.critical}} {
		if *x.to, err = percent(x.flag, x.text); err != nil {
			return nil, err
		}
	}
	for _, x := range []struct {
		flag, text string
		to         *time.Duration
	}{{"window", f.window, &f.span}, {"timeout", f.timeout, &f.patience}, {"lag-warning", f.lag[0], &f.limits.lagWarning}, {"lag-critical", f.lag[1], &f.limits.lagCritical}} {
		d, ok := span(x.text)
		if !ok {
			return nil, fmt.Errorf("--%s %s: not a span of time. Write it like 90s or 5m", x.flag, x.text)
		}
		*x.to = d
	}
	switch {
	case f.limits.critical < f.limits.warning:
		return nil, fmt.Errorf("--critical %s is less than --warning %s", f.critical, f.warning)
	case f.limits.lagCritical < f.limits.lagWarning:
		return nil, fmt.Errorf("--lag-critical %s is less than --lag-warning %s", f.lag[1], f.lag[0])
	case f.limits.requests < 0:
		return nil, fmt.Errorf("--min-requests %d: it cannot be below 0", f.limits.requests)
	}
	u, err := url.Parse(f.url)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("--url: not a URL. Write it like http://127.0.0.1:8503")
	}
	u = u.JoinPath(aggregate.CheckPath)
	q := url.Values{"window": {f.span.String()}}
	for name, value := range map[string]string{"site": f.site, "backend": f.backend} {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	r, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	token := os.Getenv("WHY503_TOKEN")
	if f.tokenFile != "" {
		data, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, errors.New("--token-file: " + conf.Unreadable(f.tokenFile, err))
		}
		token = strings.TrimSpace(string(data))
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r, nil
}

func percent(flag, text string) (float64, error) {
	var v float64
	n, err := fmt.Sscanf(strings.TrimSuffix(text, "%")+"\n", "%g\n", &v)
	if n != 1 || err != nil || !(v >= 0 && v <= 100) {
		return 0, fmt.Errorf("--%s %s: not a share. Write percent from 0 to 100, like 1 or 0.5", flag, text)
	}
	return v, nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

func (f *checkFlags) ask(ctx context.Context, r *http.Request) (*aggregate.Check, error) {
	transport := &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, errors.New("--ca: " + conf.Unreadable(f.ca, err))
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca %s: holds no certificate in PEM", f.ca)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, f.unreached(ctx, r, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, f.unreached(ctx, r, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, refused(r, res, body)
	}
	var answer aggregate.Check
	if err := json.Unmarshal(body, &answer); err != nil || answer.WindowS <= 0 {
		return nil, fmt.Errorf("%s answers, but not as why503 does. What listens there?", r.URL.Host)
	}
	return &answer, nil
}

func (f *checkFlags) unreached(ctx context.Context, r *http.Request, err error) error {
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), os.IsTimeout(err):
		return fmt.Errorf("%s gave no answer within %s (--timeout)", r.URL.Host, f.timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s refuses connections: is why503 serve running?", r.URL.Host)
	case errors.As(err, &unknown):
		return fmt.Errorf("%s has a certificate of an authority that is not trusted here: give it with --ca FILE", r.URL.Host)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // the URL may be long and says nothing more
	}
	return fmt.Errorf("asking %s: %w", r.URL.Host, err)
}

// refused words an answer that is none, with what its problem document says.
func refused(r *http.Request, res *http.Response, body []byte) error {
	var problem struct{ Title, Detail string }
	said := ""
	if json.Unmarshal(body, &problem) == nil {
		said = strings.TrimSpace(problem.Title + " " + problem.Detail)
	}
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s wants a token, or another one: --token-file FILE, or WHY503_TOKEN", r.URL.Host)
	case http.StatusNotFound:
		if said == "" {
			return fmt.Errorf("%s has no %s. Is that why503, and --url its address?", r.URL.Host, aggregate.CheckPath)
		}
	}
	if said == "" {
		said = "without saying why"
	}
	return fmt.Errorf("%s answers %d: %s", r.URL.Host, res.StatusCode, said)
}
