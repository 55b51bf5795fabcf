package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"why503/aggregate"
	"why503/aggregate/localstore"
	"why503/cmd/internal/loggen"
)

// A killer runs serve and kills it.
type killer struct {
	cfg    Config
	rng    *rand.Rand
	counts *Counts
	live   string
	store  string
	log    *os.File
	cmd    *exec.Cmd
	exited *exit
	seen   map[string]bool // incidents; true for those that a kill found going on
	ready  atomic.Bool     // a place in every file is stored
}

const (
	killsAfter = 60 * time.Second // kills go on so long after the last line
	young      = 100 * time.Millisecond
	knowing    = 4 // the life that lasts until all files are known
	// hold is how long serve waits for what may still be added to a fact.
	hold     = 90 * time.Second
	patience = 60 * time.Second
)

func newKiller(cfg Config, live string, counts *Counts) *killer {
	return &killer{
		cfg: cfg, live: live, counts: counts, rng: rand.New(rand.NewPCG(cfg.Seed, 2)), store: filepath.Join(cfg.Dir, "why503.db"), seen: make(map[string]bool),
	}
}

func (k *killer) start() error {
	if k.log == nil {
		log, err := os.Create(filepath.Join(k.cfg.Dir, "serve.log"))
		if err != nil {
			return fmt.Errorf("making the log of serve: %w", err)
		}
		k.log = log
	}
	args := append(append([]string(nil), k.cfg.Serve[1:]...), "serve", "--listen", "127.0.0.1:0", "--store", k.store, "--from-start", k.live)
	k.cmd = exec.Command(k.cfg.Serve[0], args...)
	k.cmd.Stdout, k.cmd.Stderr = k.log, k.log
	if err := k.cmd.Start(); err != nil {
		return fmt.Errorf("starting serve: %w", err)
	}
	k.counts.Starts++
	k.exited = &exit{done: make(chan struct{})}
	go k.exited.await(k.cmd)
	return nil
}

// An exit is the end of a process.
type exit struct {
	done chan struct{}
	err  error // when done is closed
}

func (e *exit) await(c *exec.Cmd) {
	e.err = c.Wait()
	close(e.done)
}

// end ends serve if it runs.
func (k *killer) end() {
	if k.cmd != nil {
		_ = k.cmd.Process.Kill()
		<-k.exited.done
		k.cmd = nil
	}
	if k.log != nil {
		_ = k.log.Close()
	}
}

// run kills serve as often as asked, spread over the time until the end, and
// leaves it running.
func (k *killer) run(ctx context.Context, until time.Time) error {
	for n := 0; ; n++ {
		if err := k.start(); err != nil {
			return err
		}
		if n == knowing {
			if err := k.untilReady(ctx); err != nil {
				return err
			}
		}
		left := k.cfg.Kills - n
		if left <= 0 || !time.Now().Before(until) {
			k.ready.Store(true)
			return nil
		}
		if err := k.wait(ctx, k.life(time.Until(until)/time.Duration(left))); err != nil {
			return err
		}
		_ = k.cmd.Process.Kill()
		<-k.exited.done
		k.cmd = nil
		k.counts.Kills++
		if err := k.look(ctx); err != nil {
			return err
		}
		if n := k.rng.IntN(20); n < 8 {
			pause := time.Duration(k.rng.Int64N(int64(500 * time.Millisecond)))
			if n == 0 {
				pause *= 8
			}
			if err := sleep(ctx, pause); err != nil {
				return err
			}
		}
	}
}

// untilReady lets serve run until a place in every file is stored, so that logs
// can be rotated: a log of few lines takes seconds to be known.
func (k *killer) untilReady(ctx context.Context) error {
	for end := time.Now().Add(patience); !k.ready.Load() && time.Now().Before(end); {
		if err := k.wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		if err := k.look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// life is how long serve may run this time.
func (k *killer) life(mean time.Duration) time.Duration {
	switch n := k.rng.IntN(40); {
	case n < 10:
		k.counts.KilledYoung++
		return time.Duration(k.rng.Int64N(int64(young)))
	case n == 10 && k.cfg.Duration >= 5*time.Minute: // while it tidies the store
		return time.Minute + time.Duration(k.rng.Int64N(int64(500*time.Millisecond)))
	}
	return time.Duration(k.rng.Int64N(int64(max(2*mean, young))))
}

// wait waits while serve runs; that it ends is an error.
func (k *killer) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-k.exited.done:
		how := k.cmd.ProcessState
		k.cmd = nil
		return fmt.Errorf("serve ended by itself, %s. Its last words: %s", how, k.lastWords())
	}
}

func (k *killer) lastWords() string {
	text, err := os.ReadFile(k.log.Name())
	if err != nil {
		return err.Error()
	}
	text = bytes.TrimSpace(text)
	return string(text[max(0, len(text)-600):])
}

// look opens the store as a kill left it, and notes the incidents.
func (k *killer) look(ctx context.Context) error {
	if _, err := os.Stat(k.store); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	s, err := localstore.Open(ctx, localstore.Config{Path: k.store, ReadOnly: true})
	if err != nil {
		if k.counts.Kills < 20 && len(k.seen) == 0 { // it was killed while it made the tables
			return nil
		}
		return fmt.Errorf("opening the store after a kill: %w", err)
	}
	defer s.Close()
	list, _, err := s.Incidents(ctx, aggregate.Query{}, "", 1000)
	if err != nil {
		return fmt.Errorf("reading incidents after a kill: %w", err)
	}
	if !k.ready.Load() {
		sources, err := s.Sources(ctx)
		if err != nil {
			return fmt.Errorf("reading sources after a kill: %w", err)
		}
		k.ready.Store(len(sources) >= len(loggen.Files()))
	}
	for i := range list {
		k.seen[list[i].ID] = k.seen[list[i].ID] || list[i].Ongoing
	}
	return nil
}

// settle waits until all facts are final, and ends serve as a person does.
func (k *killer) settle(ctx context.Context, last time.Time) error {
	soonest := last.Add(hold + 3*time.Second)
	if err := k.wait(ctx, max(time.Until(soonest), 3*time.Second)); err != nil {
		return err
	}
	for {
		n, err := notFinal(k.store)
		if err != nil {
			return err
		}
		if n == 0 || time.Since(soonest) > killsAfter+patience {
			break
		}
		if err := k.wait(ctx, time.Second); err != nil {
			return err
		}
	}
	if err := k.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending serve: %w", err)
	}
	select {
	case <-k.exited.done:
		k.cmd = nil
		if err := k.exited.err; err != nil {
			return fmt.Errorf("serve did not end well: %w. Its last words: %s", err, k.lastWords())
		}
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("serve did not end within 30 s of SIGTERM")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
