package localstore

import (
	"context"
	"fmt"
	"math"
	"time"

	"zombiezen.com/go/sqlite"
)

// A conn is a connection to the file, of one goroutine at a time.
type conn struct{ *sqlite.Conn }

// A row is what a statement is at; its columns are read by number from 0 and
// are copies.
type row = sqlite.Stmt

// query runs a statement, which stays prepared under its text, with args for
// its parameters, and hands each row to get.
func (c conn) query(text string, get func(*row) error, args ...any) error {
	st, err := c.Prepare(text)
	if err != nil {
		return err
	}
	defer st.Reset() //nolint:errcheck // repeats the error of Step
	for i, a := range args {
		bind(st, i+1, a)
	}
	for {
		more, err := st.Step()
		if err != nil || !more {
			return err
		}
		if get == nil {
			continue
		}
		if err := get(st); err != nil {
			return err
		}
	}
}

// exec runs a statement that has no rows.
func (c conn) exec(text string, args ...any) error { return c.query(text, nil, args...) }

// number returns the one number that a statement gives, and whether it did.
func (c conn) number(text string, args ...any) (n int64, ok bool, err error) {
	err = c.query(text, func(r *row) error {
		if !r.ColumnIsNull(0) {
			n, ok = r.ColumnInt64(0), true
		}
		return nil
	}, args...)
	return n, ok, err
}

func bind(st *sqlite.Stmt, i int, a any) {
	switch v := a.(type) {
	case int64:
		st.BindInt64(i, v)
	case int:
		st.BindInt64(i, int64(v))
	case bool:
		st.BindBool(i, v)
	case string:
		st.BindText(i, v)
	case float64:
		st.BindFloat(i, v)
	case []byte:
		switch {
		case v == nil:
			st.BindNull(i)
		case len(v) == 0:
			st.BindZeroBlob(i, 0)
		default:
			st.BindBytes(i, v)
		}
	case time.Time:
		if v.IsZero() {
			st.BindNull(i)
		} else {
			st.BindInt64(i, nanos(v))
		}
	default:
		panic(fmt.Sprintf("no way to store a %T", a))
	}
}

// bytesOf copies a blob, nil where it is NULL.
func bytesOf(r *row, col int) []byte {
	if r.ColumnIsNull(col) {
		return nil
	}
	b := make([]byte, r.ColumnLen(col))
	r.ColumnBytes(col, b)
	return b
}

func timeOf(r *row, col int) time.Time {
	if r.ColumnIsNull(col) {
		return time.Time{}
	}
	return time.Unix(0, r.ColumnInt64(col)).UTC()
}

// nanos is t since the epoch; times beyond what fits are the first and the
// last that do.
func nanos(t time.Time) int64 {
	switch {
	case t.Year() < 1678:
		return math.MinInt64 / 2
	case t.Year() > 2261:
		return math.MaxInt64 / 2
	}
	return t.UnixNano()
}

// within runs f with c interrupted when ctx ends.
func (c conn) within(ctx context.Context, f func(conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if done := ctx.Done(); done != nil {
		c.SetInterrupt(done)
		defer c.SetInterrupt(nil)
	}
	err := f(c)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// transact runs f in a transaction that is committed when f returns nil and
// taken back whole otherwise.
func (c conn) transact(begin string, f func(conn) error) error {
	if err := c.exec(begin); err != nil {
		return err
	}
	err := f(c)
	if err == nil {
		err = c.exec("COMMIT")
	}
	if err != nil && !c.AutocommitEnabled() {
		old := c.SetInterrupt(nil) // a transaction that was interrupted still has to end
		_ = c.exec("ROLLBACK")
		c.SetInterrupt(old)
	}
	return err
}
