package varnish

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestReadVCLGolden(t *testing.T) {
	c := ReadVCL(read(t, "testdata/site.vcl"))
	var b strings.Builder
	show := func(indent string, ss []Setting) {
		for _, s := range ss {
			fmt.Fprintf(&b, "%s%s=%q %v line %d %q\n", indent, s.Name, s.Value, s.Duration, s.LineNo, s.Line)
		}
	}
	for _, k := range c.Backends {
		fmt.Fprintf(&b, "backend %s line %d %q\n", k.Name, k.LineNo, k.Line)
		show("  ", k.Settings)
		show("  probe ", k.Probe)
	}
	show("set ", c.Sets)
	golden(t, "testdata/site.vcl.golden", b.String())
	if k, ok := c.Backend("boot.app"); !ok || k.Name != "app" {
		t.Error("backend is not found by the name that logs have")
	}
}

func TestReadParams(t *testing.T) {
	for _, c := range []struct {
		name, src, param, value string
		span                    time.Duration
		def                     bool
		line                    int
	}{
		{"short", "first_byte_timeout         90.000 [seconds]\n", "first_byte_timeout", "90.000", 90 * time.Second, false, 1},
		{"short default", "accept_filter              off [bool] (default)\nconnect_timeout            3.500 [seconds] (default)\n", "connect_timeout", "3.500", 3500 * time.Millisecond, true, 2},
		{"long", "between_bytes_timeout\n        Value is: 12.000 [seconds]\n        Default is: 60.000\n\n        prose with words (default)\n", "between_bytes_timeout", "12.000", 12 * time.Second, false, 2},
		{"unit file", "[Service]\n# -p connect_timeout=9\nExecStart=/usr/sbin/varnishd -a :80 \\\n  -p connect_timeout=2 -p thread_pools=2 -s malloc\n", "connect_timeout", "2", 2 * time.Second, false, 4},
		{"list of arguments", `command: ["varnishd", "-p", "first_byte_timeout=1m", "-pvsl_reclen=4084b"]`, "first_byte_timeout", "1m", time.Minute, false, 1},
		{"no time", "vsl_reclen                 255b [bytes] (default)\n", "vsl_reclen", "255b", -1, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := ReadParams([]byte(c.src))
			s, ok := cfg.Param(c.param)
			if !ok {
				t.Fatalf("not found in %v", cfg.Params)
			}
			if s.Value != c.value || s.Duration != c.span || s.Default != c.def || s.LineNo != c.line {
				t.Errorf("%+v", s)
			}
			if want := strings.Split(c.src, "\n")[c.line-1]; s.Line != want {
				t.Errorf("line %q, want %q", s.Line, want)
			}
		})
	}
	if c := ReadParams([]byte("nothing of the kind here\nand a sentence (default)\n")); len(c.Params) != 0 {
		t.Errorf("%v", c.Params)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(read(f, "testdata/site.vcl"))
	f.Add([]byte("connect_timeout            3.500 [seconds] (default)\nvarnishd -p a_b=3s -pccc=1\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		lines := strings.Split(string(src), "\n")
		check := func(line string, no int) {
			if no < 1 || no > len(lines) || !strings.HasPrefix(lines[no-1], line) {
				t.Fatalf("line %d is not %q", no, line)
			}
		}
		c := ReadVCL(src)
		p := ReadParams(src)
		for _, b := range c.Backends {
			check(b.Line, b.LineNo)
			for _, s := range append(b.Settings, b.Probe...) {
				check(s.Line, s.LineNo)
			}
		}
		for _, s := range append(c.Sets, p.Params...) {
			check(s.Line, s.LineNo)
		}
	})
}
