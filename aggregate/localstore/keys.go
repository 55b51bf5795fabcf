package localstore

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"unique"

	"zombiezen.com/go/sqlite"

	"why503/aggregate"
	"why503/aggregate/rollup"
	"why503/parse/traffic"
)

// A failKey is as what a fact is counted: the key of design and, since what
// most facts of a cause have in common is asked of every time range, the causes
// of its chain and the logs that it missed.
type failKey struct {
	rollup.FailureKey // its Minute is 0
	decidable         bool
	chain, missing    string
}

// fold makes the key coarser as rollup.FailureKey does.
func (k failKey) fold(step int) failKey {
	k.FailureKey = k.FailureKey.Fold(step) //nolint:staticcheck // its own fold, not k's
	if step > 1 {
		k.chain, k.missing = "", ""
	}
	return k
}

func (k failKey) order(o failKey) int {
	return cmp.Or(k.Order(o.FailureKey), cmp.Compare(b2i(k.decidable), b2i(o.decidable)), strings.Compare(k.chain, o.chain), strings.Compare(k.missing, o.missing))
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// maxName bounds each text of a key and of a column that is searched.
const maxName = 1 << 10

// failKeyOf returns the key of a fact.
func failKeyOf(f *aggregate.Fact) failKey {
	r := &f.Row
	name := func(s string) string { return clip(s, maxName) }
	k := failKey{decidable: r.Decidable, FailureKey: rollup.FailureKey{
		Site: name(r.Site), Class: name(r.Class), Cause: name(r.Cause), Symptom: name(r.Symptom), Reached: name(r.Reached),
		Proxy: name(r.Proxy), Backend: name(r.Backend), Route: name(r.Route), Version: versionOf(r.Versions),
	}}
	k.chain = chainOf(r.Chain)
	if !r.Decidable && len(r.Missing) > 0 {
		list := slices.Clone(r.Missing[:min(len(r.Missing), maxMissing)])
		for i := range list {
			m := &list[i]
			m.Source, m.WouldDecide, m.Snippet = name(m.Source), name(m.WouldDecide), clip(m.Snippet, 4*maxName)
		}
		coded, err := (*coder)(nil).text(&list)
		if err == nil {
			k.missing = string(coded)
		}
	}
	return k
}

// maxMissing bounds the logs that a fact is counted as missing, maxChain the
// causes of its chain.
const (
	maxMissing = 8
	maxChain   = 12
)

// chainOf returns the causes of a chain, each once, one a line.
func chainOf(links []aggregate.Link) string {
	var causes []string
	for i := range links {
		if c := clip(links[i].Cause, 128); !slices.Contains(causes, c) && len(causes) < maxChain {
			causes = append(causes, c)
		}
	}
	return strings.Join(causes, "\n")
}

// versionOf names what ran: each service with its version.
func versionOf(versions map[string]string) string {
	if len(versions) == 0 {
		return ""
	}
	list := make([]string, 0, len(versions))
	for service, v := range versions {
		list = append(list, clip(service, 128)+" "+clip(v, 128))
	}
	slices.Sort(list)
	return clip(strings.Join(list, ", "), maxName)
}

// missingOf reads the logs that a key names.
func (k *failKey) missingOf() []aggregate.Missing {
	var list []aggregate.Missing
	if k.missing == "" || decodeText([]byte(k.missing), &list) != nil {
		return nil
	}
	return list
}

// A trafficKey is as what a request is counted.
type trafficKey struct {
	traffic.Key // its Minute is 0
	front       bool
}

func (k trafficKey) fold(step int) trafficKey {
	k.Key = k.Key.Fold(step) //nolint:staticcheck // likewise
	return k
}

func (k trafficKey) order(o trafficKey) int {
	return cmp.Or(k.Order(o.Key), cmp.Compare(b2i(k.front), b2i(o.front)))
}

func trafficKeyOf(k traffic.Key, front bool) trafficKey {
	k.Minute = 0
	for _, s := range []*string{&k.Site, &k.Source, &k.Proxy, &k.Backend, &k.Route, &k.Method, &k.Version} {
		*s = clip(*s, maxName)
	}
	return trafficKey{k, front}
}

// A book numbers keys as their table does. Ids never change, so what a book
// remembers stays good; ids of a transaction that is taken back are forgotten.
type book[K comparable] struct {
	mu   sync.Mutex
	ids  map[K]int64
	keys map[int64]*K
	kind keyKind[K]
}

// text returns a column as text, without a copy of its own where it is one that
// comes back all the time.
func text(r *sqlite.Stmt, col int) string { return unique.Make(r.ColumnText(col)).Value() }

// A keyKind is a table of keys.
type keyKind[K comparable] struct {
	find, insert, load string
	columns            func(K) []any
	read               func(*sqlite.Stmt) K
}

// Bounds of what a book remembers, to some MB.
const (
	maxIDs  = 1 << 14
	maxKeys = 1 << 16
)

func newBook[K comparable](kind keyKind[K]) *book[K] {
	return &book[K]{ids: make(map[K]int64), keys: make(map[int64]*K), kind: kind}
}

func (b *book[K]) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.ids)
	clear(b.keys)
}

// id returns the number of a key, a new one where it has none. c is the
// connection that writes.
func (b *book[K]) id(c conn, k K) (int64, error) {
	b.mu.Lock()
	id, ok := b.ids[k]
	b.mu.Unlock()
	if ok {
		return id, nil
	}
	columns := b.kind.columns(k)
	hash := hashOf(columns)
	id, ok, err := c.number(b.kind.find, hash)
	if err != nil {
		return 0, err
	}
	if !ok {
		if err := c.exec(b.kind.insert, append([]any{hash}, columns...)...); err != nil {
			return 0, err
		}
		id = c.LastInsertRowID()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ids) >= maxIDs {
		clear(b.ids)
	}
	b.ids[k] = id
	return id, nil
}

// known returns the number of a key, and whether it has one.
func (b *book[K]) known(c conn, k K) (int64, bool, error) {
	return c.number(b.kind.find, hashOf(b.kind.columns(k)))
}

// key returns the key of a number; nil when there is none (any more).
func (b *book[K]) key(c conn, id int64) (*K, error) {
	b.mu.Lock()
	k := b.keys[id]
	b.mu.Unlock()
	if k != nil {
		return k, nil
	}
	err := c.query(b.kind.load, func(r *row) error {
		read := b.kind.read(r)
		k = &read
		return nil
	}, id)
	if err != nil || k == nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys) >= maxKeys {
		clear(b.keys)
	}
	b.keys[id] = k
	return k, nil
}

// hashOf is what tells keys apart: strangers choose parts of them, so it is one
// that nobody can make collide.
func hashOf(columns []any) []byte {
	h := sha256.New()
	var n [8]byte
	for _, c := range columns {
		switch v := c.(type) {
		case string:
			binary.LittleEndian.PutUint64(n[:], uint64(len(v)))
			h.Write(n[:])
			h.Write([]byte(v))
		case int64:
			binary.LittleEndian.PutUint64(n[:], uint64(v))
			h.Write(n[:])
		}
	}
	return h.Sum(nil)[:16]
}

func newFailBook() *book[failKey] {
	return newBook(keyKind[failKey]{
		find: `SELECT id FROM failure_keys WHERE hash = ?`,
		insert: `INSERT INTO failure_keys (hash, site, class, cause, symptom, reached, proxy, backend, route, version, decidable, chain, missing)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		load: `SELECT site, class, cause, symptom, reached, proxy, backend, route, version, decidable, chain, missing FROM failure_keys WHERE id = ?`,
		columns: func(k failKey) []any {
			return []any{k.Site, k.Class, k.Cause, k.Symptom, k.Reached, k.Proxy, k.Backend, k.Route, k.Version, b2i(k.decidable), k.chain, k.missing}
		},
		read: func(r *row) failKey {
			return failKey{rollup.FailureKey{
				Site: text(r, 0), Class: text(r, 1), Cause: text(r, 2), Symptom: text(r, 3), Reached: text(r, 4),
				Proxy: text(r, 5), Backend: text(r, 6), Route: text(r, 7), Version: text(r, 8),
			}, r.ColumnBool(9), text(r, 10), text(r, 11)}
		},
	})
}

func newTrafficBook() *book[trafficKey] {
	return newBook(keyKind[trafficKey]{
		find: `SELECT id FROM traffic_keys WHERE hash = ?`,
		insert: `INSERT INTO traffic_keys (hash, front, site, source, proxy, backend, route, method, status_class, version, reused)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		load: `SELECT front, site, source, proxy, backend, route, method, status_class, version, reused FROM traffic_keys WHERE id = ?`,
		columns: func(k trafficKey) []any {
			return []any{b2i(k.front), k.Site, k.Source, k.Proxy, k.Backend, k.Route, k.Method, int64(k.StatusClass), k.Version, b2i(k.Reused)}
		},
		read: func(r *row) trafficKey {
			return trafficKey{traffic.Key{
				Site: text(r, 1), Source: text(r, 2), Proxy: text(r, 3), Backend: text(r, 4), Route: text(r, 5),
				Method: text(r, 6), StatusClass: uint8(r.ColumnInt64(7)), Version: text(r, 8), Reused: r.ColumnBool(9),
			}, r.ColumnBool(0)}
		},
	})
}

func newOwners() *book[string] {
	return newBook(keyKind[string]{
		find:    `SELECT id FROM owners WHERE hash = ?`,
		insert:  `INSERT INTO owners (hash, name) VALUES (?, ?)`,
		load:    `SELECT name FROM owners WHERE id = ?`,
		columns: func(s string) []any { return []any{s} },
		read:    func(r *row) string { return text(r, 0) },
	})
}
