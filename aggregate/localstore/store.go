package localstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"why503/parse/traffic"
)

// A Store is a file of facts and what was counted. Its methods may be called
// from many goroutines: one writes at a time, several read meanwhile.
type Store struct {
	cfg   Config
	coder *coder
	lock  *lock

	// The file may be replaced while the Store is open, when it turns out to be
	// damaged: who uses a connection holds the lock for reading.
	replacing sync.RWMutex
	db        *database
	closed    bool

	// Of who writes.
	fails    *book[failKey]
	traffic  *book[trafficKey]
	owners   *book[string]
	foldedAt map[traffic.Minute]time.Time
	stale    atomic.Bool // there are folded minutes that are dirty
}

// refoldEvery is how often a minute with too many keys is derived anew while
// facts come to it.
const refoldEvery = 10 * time.Second

// readers is how many read at once; more wait.
const readers = 4

// Open opens the store in a file, or makes one. A file that is damaged is set
// aside, what can be read of it is taken over, and the Store is a new one.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg.fill()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, coder: newCoder(), fails: newFailBook(), traffic: newTrafficBook(), owners: newOwners(), foldedAt: make(map[traffic.Minute]time.Time),
	}
	if !cfg.ReadOnly {
		l, err := takeLock(cfg.Path)
		if err != nil {
			return nil, err
		}
		s.lock = l
	}
	err := s.openFile(ctx)
	if err != nil && damaged(err) && !cfg.ReadOnly {
		err = s.replace(ctx, err)
	}
	if err != nil {
		s.lock.release()
		return nil, s.explain("opening it", err)
	}
	s.stale.Store(true) // an earlier process may have left some
	return s, nil
}

// Close waits for who uses the store and closes it.
func (s *Store) Close() error {
	s.replacing.Lock()
	defer s.replacing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.db.close()
	s.lock.release()
	return err
}

// A database is the connections to one file.
type database struct {
	writer  chan conn // holds the one connection that writes, while nobody does
	readers chan conn
	all     []conn
}

func (s *Store) openFile(ctx context.Context) error {
	if !s.cfg.ReadOnly {
		if err := notAStranger(s.cfg.Path); err != nil {
			return err
		}
		make640(s.cfg.Path)
	}
	db := &database{writer: make(chan conn, 1), readers: make(chan conn, readers)}
	err := s.connect(ctx, db)
	if err != nil {
		_ = db.close() // the first error is the one that tells
		return err
	}
	s.db = db
	return nil
}

// make640 makes the file that SQLite would make for everybody to read: logs are
// not, on most systems. The files beside it get the same mode from SQLite.
func make640(path string) {
	if f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640); err == nil {
		f.Close()
	} // else it is there, or SQLite says why it cannot be
}

func (s *Store) connect(ctx context.Context, db *database) error {
	flags := sqlite.OpenReadWrite | sqlite.OpenCreate
	if s.cfg.ReadOnly {
		flags = sqlite.OpenReadOnly
	} else {
		c, err := db.open(s.cfg.Path, flags, 8<<10)
		if err != nil {
			return err
		}
		db.writer <- c
		err = c.within(ctx, func(c conn) error {
			if err := migrate(c); err != nil {
				return err
			}
			return c.exec(`PRAGMA journal_size_limit = 67108864`)
		})
		if err != nil {
			return err
		}
		flags = sqlite.OpenReadWrite
	}
	for range readers {
		c, err := db.open(s.cfg.Path, flags, 3<<10)
		if err != nil {
			return err
		}
		db.readers <- c
		if s.cfg.ReadOnly {
			if err := checkVersion(c); err != nil {
				return err
			}
		} else if err := c.exec(`PRAGMA query_only = 1`); err != nil {
			return err
		}
	}
	return nil
}

// busyTimeout is how long a connection waits for another process, which holds
// the file for milliseconds where it is one of ours.
const busyTimeout = 5 * time.Second

// open makes a connection with so many KiB of cache.
//
// With a write-ahead log and synchronous = NORMAL what was committed survives
// the end of the process at any point, kill -9 included: it is with the
// operating system by then. A crash of that, or a power failure, may cost the
// last commits before the crash, whole ones, never the file; sources are then
// read again from the position that came with the last batch that is left.
func (db *database) open(path string, flags sqlite.OpenFlags, cacheKiB int) (conn, error) {
	sc, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return conn{}, err
	}
	c := conn{sc}
	db.all = append(db.all, c)
	c.SetBusyTimeout(busyTimeout)
	pragmas := []string{fmt.Sprintf(`PRAGMA cache_size = -%d`, cacheKiB), `PRAGMA temp_store = MEMORY`, `PRAGMA trusted_schema = 0`, `PRAGMA cell_size_check = 1`}
	if flags&sqlite.OpenCreate != 0 {
		if err := checkOwner(c); err != nil { // before the file is touched
			return conn{}, err
		}
		pragmas = append([]string{`PRAGMA auto_vacuum = INCREMENTAL`, `PRAGMA journal_mode = WAL`, `PRAGMA synchronous = NORMAL`}, pragmas...)
	}
	for _, p := range pragmas {
		if err := c.exec(p); err != nil {
			return conn{}, err
		}
	}
	return c, nil
}

func (db *database) close() error {
	var first error
	for i := len(db.all) - 1; i >= 0; i-- { // the writer last: it clears the log away
		if err := db.all[i].Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

var (
	errClosed   = errors.New("the store is closed")
	errReadOnly = errors.New("it was opened to be read only")
)

// change runs f in a transaction of the connection that writes.
func (s *Store) change(ctx context.Context, f func(conn) error) error {
	if s.cfg.ReadOnly {
		return errReadOnly
	}
	return s.using(ctx, func(db *database) error {
		return borrow(ctx, db.writer, func(c conn) error {
			err := c.transact(`BEGIN IMMEDIATE`, f)
			if err != nil { // the ids that it made are gone
				s.fails.forget()
				s.traffic.forget()
				s.owners.forget()
			}
			return err
		})
	})
}

// read runs f over one state of the file, whatever is written meanwhile.
func (s *Store) read(ctx context.Context, f func(conn) error) error {
	if s.stale.Load() && !s.cfg.ReadOnly {
		if err := s.refold(ctx); err != nil {
			return err
		}
	}
	return s.using(ctx, func(db *database) error {
		return borrow(ctx, db.readers, func(c conn) error { return c.transact(`BEGIN`, f) })
	})
}

// using runs f, again over a new file when this one turns out to be damaged.
func (s *Store) using(ctx context.Context, f func(*database) error) error {
	for again := true; ; again = false {
		s.replacing.RLock()
		if s.closed {
			s.replacing.RUnlock()
			return errClosed
		}
		db := s.db
		err := f(db)
		s.replacing.RUnlock()
		if err == nil || !again || s.cfg.ReadOnly || !damaged(err) {
			return err
		}
		if err := s.heal(ctx, db, err); err != nil {
			return err
		}
	}
}

func borrow(ctx context.Context, from chan conn, f func(conn) error) error {
	select {
	case c := <-from:
		defer func() { from <- c }()
		return c.within(ctx, f)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refold derives the folded minutes that are dirty, so that what is read of
// them is exact.
func (s *Store) refold(ctx context.Context) error {
	return s.change(ctx, func(c conn) error {
		s.stale.Store(false)
		var minutes []traffic.Minute
		err := c.query(`SELECT minute FROM minutes WHERE dirty = 1`, func(r *row) error {
			minutes = append(minutes, traffic.Minute(r.ColumnInt64(0)))
			return nil
		})
		for _, m := range minutes {
			if err == nil {
				err = s.derive(c, m)
			}
		}
		if err != nil {
			s.stale.Store(true)
		}
		return err
	})
}

// explain says what was being done, to what, and how to mend it.
func (s *Store) explain(doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errClosed) {
		return fmt.Errorf("store %s: %s: %w", s.cfg.Path, doing, err)
	}
	mend := ""
	switch code := sqlite.ErrCode(err); {
	case code.ToPrimary() == sqlite.ResultFull:
		mend = ". The disk is full, or the file may not grow: make room; what was to be written is written later"
	case code.ToPrimary() == sqlite.ResultReadOnly:
		mend = ". Let the user that runs this write the file and its folder"
	case code.ToPrimary() == sqlite.ResultCantOpen:
		mend = ". Check that its folder exists and that the user that runs this may write there"
		if info, e := os.Stat(s.cfg.Path); e == nil && info.IsDir() {
			mend = ". That is a folder: name a file in it"
		}
	case code.ToPrimary() == sqlite.ResultBusy:
		mend = fmt.Sprintf(". Another process has held it for %s: end it, or name another file", busyTimeout)
	case code.ToPrimary() == sqlite.ResultIOErr:
		mend = ". The disk or file system failed; look at the kernel's log"
	case errors.Is(err, fs.ErrPermission):
		mend = ". Let the user that runs this read and write it"
	}
	return fmt.Errorf("store %s: %s: %w%s", s.cfg.Path, doing, err, mend)
}
