package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"why503/ingest"
	"why503/parse"
	"why503/parse/detect"
	"why503/parse/frame"
	"why503/parse/nginx"
)

// A Log is what one log can tell.
type Log struct {
	Name    string
	Program parse.Program
	Kind    parse.SourceKind
	Format  string // as --format calls it; empty when not known
	Unread  string // why it is not read
	Has     Ability
}

// An Ability is what the lines of a log hold.
type Ability uint16

// What a line may hold.
const (
	HasRequests   Ability = 1 << iota
	HasID                 // X-Request-ID or the program's own
	HasVXID               // of the Varnish transaction
	HasFetchError         // why a fetch failed
	HasUpstream           // who was asked and how long that took
	HasDuration
)

// sampleRecords bounds how many Records of a log are looked at.
const sampleRecords = 5000

// Examine looks at samples of the logs that paths name, as analyze would read
// them. Configurations of nginx tell the formats of its logs, also of those
// that hold no line yet.
func Examine(paths []string, nginxConf []string) (logs []Log, problems []error) {
	var configs []nginx.Config
	for _, file := range nginxConf {
		src, err := os.ReadFile(file)
		if err != nil {
			problems = append(problems, plainly(file, err))
			continue
		}
		configs = append(configs, nginx.ReadConfigWith(file, src, nginx.FromFS(os.DirFS("/"), rel(filepath.Dir(file)))))
	}
	found, errs := ingest.Expand(paths)
	for _, err := range errs {
		if !errors.As(err, new(*ingest.Skip)) {
			problems = append(problems, err)
		}
	}
	files := ingest.NewFiles(0)
	for _, in := range found {
		src, err := files.Open(in)
		if err != nil {
			if !errors.As(err, new(*ingest.Skip)) {
				problems = append(problems, err)
			}
			continue
		}
		logs = append(logs, examine(src, in.Path, configs))
		src.Close()
	}
	return logs, problems
}

func plainly(file string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", file, err)
}

func examine(src *ingest.Source, path string, configs []nginx.Config) Log {
	l := Log{Name: path}
	if path == ingest.Stdin {
		l.Name = "stdin"
	}
	sample := sampleOf(src)
	hints := detect.Hints{Name: filepath.Base(path)}
	for _, c := range configs {
		access, ok := c.FormatFor(path)
		if !ok {
			continue
		}
		hints.Candidates = append(hints.Candidates, detect.Candidate{Format: detect.Format{Name: "nginx", Title: "nginx access log"}, New: func() parse.Parser { return access.Fork() }})
		l.Program, l.Kind, l.Format, l.Has = parse.Nginx, parse.SourceNginxAccess, "nginx", HasRequests|abilitiesOf(formatText(c, path))
	}
	res := detect.Detect(sample, hints)
	if err := res.Err(path); err != nil && !res.Empty {
		l.Unread = strings.TrimPrefix(err.Error(), path+": ")
	}
	if res.Format.Name != "" {
		l.Format = res.Format.Name
		l.Program, l.Kind = kindOf(res.Format.Name)
	}
	if res.New == nil {
		if res.Empty && l.Format == "" {
			l.Program, l.Kind = kindByName(path)
		}
		return l
	}
	l.take(res.New(), sample)
	return l
}

// sampleOf is the head, the middle and the end of a source.
func sampleOf(src *ingest.Source) []byte {
	sample, err := src.Head(ingest.SampleBytes)
	if err != nil {
		return sample
	}
	for _, get := range []func(int) ([]byte, error){src.Middle, src.Tail} {
		if piece, err := get(ingest.SampleBytes); err == nil {
			sample = append(sample[:len(sample):len(sample)], piece...)
		}
	}
	if n := bytes.LastIndexByte(sample, '\n'); n >= 0 {
		sample = sample[:n+1]
	}
	return sample
}

// take adds up what the Records of a sample hold.
func (l *Log) take(p parse.Parser, sample []byte) {
	n := 0
	emit := func(r *parse.Record) {
		if n++; n > sampleRecords {
			return
		}
		if r.Program != parse.ProgramNone && l.Kind != parse.SourceApp {
			l.Program = r.Program
		}
		if r.Kind == parse.KindRequest || r.Kind == parse.KindFetch {
			l.Has |= HasRequests
		}
		if len(r.RequestID) > 0 || len(r.OwnID) > 0 || len(r.TraceID) > 0 {
			l.Has |= HasID
		}
		if r.VXID != 0 {
			l.Has |= HasVXID
		}
		if r.Ended > r.Time && r.Time != 0 {
			l.Has |= HasDuration
		}
		for _, u := range r.Upstreams {
			if u.Response >= 0 || u.Header >= 0 {
				l.Has |= HasUpstream | HasDuration
			}
		}
	}
	lines := frame.NewLines(bytes.NewReader(sample), 0)
	for {
		line, err := lines.Next()
		if err != nil {
			break
		}
		_ = p.Parse(line, emit) // what does not fit is analyze's to tell
	}
	p.Flush(emit)
	switch l.Kind {
	case parse.SourceVarnishlog:
		l.Has |= HasFetchError | HasDuration | HasVXID | HasUpstream
	case parse.SourceVarnishncsa:
		if bytes.Contains(bytes.ToLower(sample), []byte("fetcherror")) { // its key stands there when there was none, too
			l.Has |= HasFetchError
		}
	}
}

// formatText is the log_format of the log at path.
func formatText(c nginx.Config, path string) string {
	for _, l := range c.Logs {
		if l.Error || filepath.Base(l.Path) != filepath.Base(path) {
			continue
		}
		for _, f := range c.Formats {
			if f.Name == l.Format {
				return f.Format
			}
		}
	}
	return ""
}

// abilitiesOf tells what lines of a format will hold: a log_format of nginx,
// or a format of varnishncsa.
func abilitiesOf(format string) (has Ability) {
	format = strings.ToLower(format)
	for _, x := range []struct {
		word string
		has  Ability
	}{
		{"request_id", HasID}, {"x-request-id", HasID}, {"traceparent", HasID}, {"trace_id", HasID},
		{"http_x_varnish", HasVXID}, {"varnish:vxid", HasVXID}, {"vsl:begin", HasVXID}, {"x-varnish", HasVXID},
		{"vsl:fetcherror", HasFetchError}, {"$upstream_", HasUpstream}, {"$request_time", HasDuration}, {"%d", HasDuration}, {"%t", 0},
	} {
		if strings.Contains(format, x.word) {
			has |= x.has
		}
	}
	return has
}

// kindOf is what sort of log a format is.
func kindOf(format string) (parse.Program, parse.SourceKind) {
	switch format {
	case "varnishlog":
		return parse.Varnish, parse.SourceVarnishlog
	case "varnishncsa", "varnishncsa-json":
		return parse.Varnish, parse.SourceVarnishncsa
	case "nginx", "nginx-json", "access":
		return parse.Nginx, parse.SourceNginxAccess
	case "nginx-error":
		return parse.Nginx, parse.SourceNginxError
	case "php-fpm":
		return parse.PHPFPM, parse.SourcePHPFPM
	case "php-fpm-slow":
		return parse.PHPFPM, parse.SourcePHPFPMSlow
	case "php-fpm-access":
		return parse.PHPFPM, parse.SourcePHPFPMAccess
	case "app", "app-json", "logfmt":
		return parse.App, parse.SourceApp
	case "systemd", "syslog":
		return parse.Systemd, parse.SourceJournal
	case "deploy":
		return parse.Deploy, parse.SourceChanges
	case "haproxy":
		return parse.HAProxy, parse.SourceHAProxy
	case "apache-error":
		return parse.Apache, parse.SourceApacheError
	case "envoy", "envoy-json":
		return parse.Envoy, parse.SourceEnvoy
	case "mysql-slow":
		return parse.Database, parse.SourceDatabaseSlow
	case "mysql-error", "postgresql", "redis", "mongodb":
		return parse.Database, parse.SourceDatabase
	case "kernel":
		return parse.Kernel, parse.SourceKernel
	case "alb", "w3c", "cdn-json":
		return parse.CDN, parse.SourceCDN
	}
	return parse.ProgramNone, parse.SourceOther
}

// kindByName guesses what an empty file will hold; it is never wrong by more
// than a row of the table.
func kindByName(path string) (parse.Program, parse.SourceKind) {
	name := strings.ToLower(path)
	switch isError := strings.Contains(filepath.Base(name), "error"); {
	case strings.Contains(name, "varnishncsa"):
		return parse.Varnish, parse.SourceVarnishncsa
	case strings.Contains(name, "nginx") && isError:
		return parse.Nginx, parse.SourceNginxError
	case strings.Contains(name, "nginx"):
		return parse.Nginx, parse.SourceNginxAccess
	case strings.Contains(name, "fpm") && strings.Contains(name, "slow"):
		return parse.PHPFPM, parse.SourcePHPFPMSlow
	case strings.Contains(name, "fpm"):
		return parse.PHPFPM, parse.SourcePHPFPM
	}
	return parse.ProgramNone, parse.SourceOther
}
