package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"why503/parse"
	"why503/parse/nginx"
	"why503/parse/varnish"
	"why503/rules"
)

// settings are what configurations say about formats and limits.
type settings struct {
	nginx  []nginx.Config
	values []rules.Setting
}

// readSettings reads the configurations that are there; of the others it says
// what stands in the way.
func readSettings(cfg AnalyzeConfig) (s settings, problems []error) {
	for _, path := range cfg.NginxConf {
		src, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, unreadable(path, "--nginx-conf", err))
			continue
		}
		c := nginx.ReadConfigWith(path, src, nginx.FromFS(os.DirFS("/"), filepath.Dir(path)))
		s.nginx = append(s.nginx, c)
		s.values = append(s.values, nginxSettings(path, src, c)...)
	}
	for i, paths := range [][]string{cfg.VCL, cfg.VarnishParams} {
		for _, path := range paths {
			src, err := os.ReadFile(path)
			if err != nil {
				problems = append(problems, unreadable(path, [...]string{"--vcl", "--varnish-params"}[i], err))
				continue
			}
			read := varnish.ReadVCL
			if i == 1 {
				read = varnish.ReadParams
			}
			c := read(src)
			s.values = append(s.values, varnishSettings(path, src, c)...)
		}
	}
	return s, problems
}

func unreadable(path, flag string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s: %w. The logs are read without what %s would tell", path, err, flag)
}

// nginxFormat finds the format of an access log by the configuration that
// writes it.
func (s *settings) nginxFormat(path string) (*nginx.Access, bool) {
	for i := range s.nginx {
		if a, ok := s.nginx[i].FormatFor(path); ok {
			return a, true
		}
	}
	return nil, false
}

// nginxFormats are all formats that the configurations define. What a stream is
// written in, no path tells: the lines that fit one do.
func (s *settings) nginxFormats() []*nginx.Access {
	var all []*nginx.Access
	for i := range s.nginx {
		for _, f := range s.nginx[i].Formats {
			if a, err := nginx.CompileAccess(f.Format, f.Escape); err == nil {
				all = append(all, a)
			}
		}
	}
	return all
}

// env is what the rules get to know beside the requests.
func (s *settings) env(ins []*input) *rules.Env {
	e := &rules.Env{Settings: s.values}
	for _, in := range ins {
		e.Kinds.Add(in.kind)
	}
	return e
}

// nginxTimeouts maps nginx's directives to the names that rules use.
var nginxTimeouts = map[string]string{
	"proxy_connect_timeout": "connect_timeout", "fastcgi_connect_timeout": "connect_timeout", "uwsgi_connect_timeout": "connect_timeout",
	"scgi_connect_timeout": "connect_timeout", "grpc_connect_timeout": "connect_timeout",
	"proxy_read_timeout": "first_byte_timeout", "fastcgi_read_timeout": "first_byte_timeout", "uwsgi_read_timeout": "first_byte_timeout",
	"scgi_read_timeout": "first_byte_timeout", "grpc_read_timeout": "first_byte_timeout",
	"proxy_send_timeout": "send_timeout", "fastcgi_send_timeout": "send_timeout", "keepalive_timeout": "keepalive_timeout",
}

func nginxSettings(path string, src []byte, c nginx.Config) []rules.Setting {
	var out []rules.Setting
	for _, v := range c.Settings {
		name, ok := nginxTimeouts[v.Name]
		if !ok || v.Value <= 0 {
			continue
		}
		out = append(out, rules.Setting{
			Name: name, Program: parse.Nginx, Value: int64(v.Value), File: filepath.Base(path), Offset: offsetOf(src, v.LineNo), LineNo: int64(v.LineNo), Line: v.Line,
		})
	}
	return out
}

// varnishTimeouts maps backend attributes, bereq settings and parameters of
// Varnish to the names that rules use.
var varnishTimeouts = map[string]string{
	"connect_timeout": "connect_timeout", "first_byte_timeout": "first_byte_timeout", "between_bytes_timeout": "between_bytes_timeout",
	"bereq.connect_timeout": "connect_timeout", "bereq.first_byte_timeout": "first_byte_timeout", "bereq.between_bytes_timeout": "between_bytes_timeout",
	"backend_idle_timeout": "idle_timeout",
}

func varnishSettings(path string, src []byte, c varnish.Config) []rules.Setting {
	var out []rules.Setting
	add := func(backend string, vs []varnish.Setting) {
		for _, v := range vs {
			if name, ok := varnishTimeouts[v.Name]; ok && v.Duration > 0 {
				out = append(out, rules.Setting{
					Name: name, Program: parse.Varnish, Backend: backend, Value: int64(v.Duration),
					File: filepath.Base(path), Offset: offsetOf(src, v.LineNo), LineNo: int64(v.LineNo), Line: v.Line,
				})
			}
		}
	}
	add("", c.Params)
	add("", c.Sets)
	for i := range c.Backends {
		add(c.Backends[i].Name, c.Backends[i].Settings)
	}
	return out
}

// offsetOf is where a line begins, by its number from 1.
func offsetOf(src []byte, line int) int64 {
	at := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(src[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return int64(at)
}
