package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// serve is why503 serve.
type serve struct {
	cfg    *config
	dir    string
	addr   string
	proc   *process
	shares []part
}

func (s *serve) process() *process { return s.proc }

func (s *serve) start(files []string) (string, error) {
	var err error
	if s.addr, err = freeAddr(); err != nil {
		return "", err
	}
	args := append([]string{"serve", "--listen", s.addr, "--store", filepath.Join(s.dir, "why503.db")}, files...)
	if s.proc, err = launch(filepath.Join(s.dir, "why503.out"), s.cfg.why503, args...); err != nil {
		return "", err
	}
	return "why503 serve", answers(s.addr)
}

func (s *serve) read() (lines int64, lag float64) {
	text, err := get(s.addr, "/metrics")
	if err != nil {
		return -1, -1
	}
	return int64(metric(text, "why503_ingest_lines_total", false)), metric(text, "why503_ingest_lag_seconds", true)
}

// profile is taken of the middle third, a minute at most.
func (s *serve) profile(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(length / 3):
	}
	seconds := int(min(length/3, time.Minute).Seconds())
	if seconds < 1 {
		return nil
	}
	b, err := get(s.addr, "/debug/pprof/profile?seconds="+strconv.Itoa(seconds))
	if err != nil {
		return fmt.Errorf("profiling: %w", err)
	}
	if s.shares, err = parts([]byte(b)); err != nil {
		return fmt.Errorf("reading a profile: %w", err)
	}
	if s.cfg.keep == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(s.cfg.keep, "cpu.pprof"), []byte(b), 0o644)
}

// heap keeps what is in memory at the end.
func (s *serve) heap() error {
	if s.cfg.keep == "" {
		return nil
	}
	b, err := get(s.addr, "/debug/pprof/heap")
	if err != nil {
		return fmt.Errorf("profiling: %w", err)
	}
	return os.WriteFile(filepath.Join(s.cfg.keep, "heap.pprof"), []byte(b), 0o644)
}

// metric reads a metric in Prometheus' text format: the sum or the most of its
// series. https://prometheus.io/docs/instrumenting/exposition_formats/
func metric(text, name string, most bool) (x float64) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		switch {
		case err != nil:
		case most:
			x = max(x, v)
		default:
			x += v
		}
	}
	return x
}

var client = &http.Client{Timeout: 3 * time.Minute}

func get(addr, path string) (string, error) {
	resp, err := client.Get("http://" + addr + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", path, resp.Status)
	}
	return string(b), err
}

// freeAddr is an address on which nobody listens.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// answers waits until something listens.
func answers(addr string) error {
	var err error
	for range 100 {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", addr, time.Second); err == nil {
			return c.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}
