package localstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"why503/aggregate"
	"why503/parse"
)

// The test binary runs itself as a process that writes until it is killed.
const killedEnv = "WHY503_TEST_WRITES_TO"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedEnv); path != "" {
		writeUntilKilled(path)
		return
	}
	os.Exit(m.Run())
}

// killedBatch is what is written as number n: facts, and the number as what is
// settled, so that it can be told which batches are there.
func killedBatch(n int) *aggregate.Batch {
	b := manyFacts(n*20, 20)
	b.Settled = parse.Time(n + 1)
	for i := range b.Facts { // the final states of the batch before
		if n > 0 {
			f := b.Facts[i]
			f.Row.UID = testFact((n-1)*20+i, t0).Row.UID
			f.Version, f.Row.Final = 2, true
			b.Facts = append(b.Facts, f)
		}
	}
	return b
}

func writeUntilKilled(path string) {
	s, err := Open(context.Background(), Config{Path: path, Facts: -1, Minutes: -1, Records: -1, Seconds: -1})
	if err != nil {
		panic(err)
	}
	at, err := s.Settled(context.Background())
	if err != nil {
		panic(err)
	}
	for n := int(at); ; n++ {
		if err := s.Write(context.Background(), killedBatch(n)); err != nil {
			panic(err)
		}
		fmt.Println(n) // acknowledged
		if n%20 == 0 {
			if err := s.Maintain(context.Background()); err != nil {
				panic(err)
			}
		}
	}
}

// A process that is killed at any point leaves each batch whole or not at all,
// and all that it had acknowledged.
func TestKilledWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "why503.db")
	rng := rand.New(rand.NewPCG(1, 5))
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedEnv+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := -1
		lines := bufio.NewScanner(out)
		kill := time.AfterFunc(time.Duration(50+rng.IntN(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				acknowledged = n
			}
		}
		kill.Stop()
		_ = cmd.Wait() // killed
		holds(t, path, acknowledged)
	}
}

func holds(t *testing.T, path string, acknowledged int) {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path, Facts: -1, Minutes: -1, Records: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at, err := s.Settled(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := int(at)
	if n < acknowledged+1 {
		t.Fatalf("%d batches are there, %d were acknowledged", n, acknowledged+1)
	}
	sum, err := s.Summary(t.Context(), aggregate.Query{})
	if err != nil {
		t.Fatal(err)
	}
	facts, final := 0, 0
	for cursor, first := "", true; first || cursor != ""; first = false {
		rows, next, err := s.Failures(t.Context(), aggregate.Query{}, cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			facts++
			if rows[i].Final {
				final++
			}
		}
		cursor = next
	}
	if facts != 20*n || sum.Failures != int64(20*n) || sum.Requests != int64(20*n) || n > 0 && final != 20*(n-1) {
		t.Fatalf("after %d batches: %d facts, %d final, %d failures and %d requests counted", n, facts, final, sum.Failures, sum.Requests)
	}
	t.Logf("%d batches", n)
}
