package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"why503/aggregate"
	"why503/dashboards/report"
	"why503/parse"
	"why503/parse/fact"
	"why503/parse/traffic"
	"why503/parse/wire"
	"why503/rules"
)

// A History gathers what an analysis finds for a store: facts, and all traffic
// by minute and second. It is written when the analysis is done, since reading
// may begin anew; until then it waits in temporary files, in bounded memory.
type History struct {
	rows    *aggregate.Describer
	facts   *sorter
	traffic *sorter
	minutes *aggregate.Minutes
	err     error // the first, told at the end
	newest  parse.Time
	scratch traffic.Cell
	line    bytes.Buffer
}

// NewHistory returns an empty History.
func NewHistory() *History {
	h := &History{}
	h.begin(nil)
	return h
}

// Close frees the temporary files.
func (h *History) Close() {
	h.facts.Close()
	h.traffic.Close()
}

// begin forgets what was gathered: reading begins.
func (h *History) begin(rows *aggregate.Describer) {
	if h.facts != nil {
		h.Close()
	}
	h.rows, h.facts, h.traffic, h.newest = rows, newSorter(), newSorter(), 0
	h.facts.limit, h.traffic.limit = sortMemory/2, sortMemory/2
	h.minutes = aggregate.NewMinutes(h.minute)
}

// historyEpoch is the epoch of the rules that facts of a history carry: that of
// live ones, so that neither replaces the other but by being more complete.
const historyEpoch = 1

// request takes a diagnosed request.
func (h *History) request(q *parse.Request, v *rules.Verdict) {
	if h.err != nil {
		return
	}
	f := aggregate.Fact{Row: h.rows.Row(q, v), Version: fact.VersionOf(q, historyEpoch).Uint64(), Words: v.Words, Advice: v.Advice}
	f.Row.Final = true
	f.Row.Revision = max(f.Row.Revision, 1)
	f.Background = slices.ContainsFunc(q.Parts, func(p parse.Part) bool { return p.Record.Background })
	records, err := wire.AppendRequest(nil, q)
	if err == nil { // one that is too large to be sent is not diagnosed again either
		f.Records = records
	}
	b, err := h.appendFact(nil, &f)
	if err == nil {
		err = h.facts.add(sortKey{int64(q.Root().Ended), q.UID}, b)
	}
	h.err = errors.Join(h.err, err)
}

// count takes requests of one key in one minute.
func (h *History) count(k traffic.Key, front bool, failed int64, c *traffic.Cell) {
	h.minutes.Count(k, front, failed, c)
	if h.err == nil {
		h.err = h.minutes.Advance()
	}
}

// second takes requests of a client-facing hop that ended at one time.
func (h *History) second(in *input, site string, at parse.Time, n int64) {
	h.minutes.Second(storeName(in.path), valid(site), at, n)
	h.newest = max(h.newest, at)
}

// record takes a request that is read by the merge.
func (h *History) record(in *input, rec *parse.Record, site string, at parse.Time) {
	h.scratch = traffic.Cell{}
	h.scratch.Count(time.Duration(rec.Ended-rec.Time), rec.Bytes)
	h.count(trafficKey(in, rec, site, at), in.join.Rank == 0, failed(rec), &h.scratch)
	if in.join.Rank == 0 {
		h.second(in, site, at, 1)
	}
}

func failed(rec *parse.Record) int64 {
	if rec.Status/100 == 5 {
		return 1
	}
	return 0
}

func pathOf(url []byte) []byte {
	path, _, _ := bytes.Cut(url, query)
	return path
}

// trafficKey is as what a source counts a request.
func trafficKey(in *input, rec *parse.Record, site string, at parse.Time) traffic.Key {
	k := traffic.Key{
		Site: valid(site), Minute: traffic.MinuteOf(at), Source: storeName(in.path), Proxy: aggregate.ProgramName(in.prog),
		Route: valid(traffic.Route(string(pathOf(rec.URL)))), Method: valid(string(rec.Method)), Version: valid(string(rec.Version)),
	}
	if in.host != "" {
		k.Proxy += "@" + in.host
	}
	if rec.Status >= 100 && rec.Status < 600 {
		k.StatusClass = uint8(rec.Status / 100)
	}
	if rec.Tx != nil {
		k.Backend = string(rec.Tx.Backend)
	}
	if n := len(rec.Upstreams); n > 0 && k.Backend == "" {
		k.Backend = string(rec.Upstreams[n-1].Addr)
	}
	k.Backend = valid(k.Backend)
	return k
}

// valid writes bytes that are not UTF-8 as rows do, \xNN.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// storeName is what a store calls an input: the same wherever it is read from.
func storeName(path string) string {
	if path == "-" {
		return path
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// minute keeps what Minutes hand on, sorted by minute and source.
func (h *History) minute(m *aggregate.SourceMinute, seconds []aggregate.SourceSecond) error {
	b, err := appendMinute(nil, m, seconds)
	if err != nil {
		return err
	}
	return h.traffic.add(sortKey{int64(m.Minute), xxh3.HashString128(m.Source).Bytes()}, b)
}

// A HistoryStore is the part of a store that a History is written into.
type HistoryStore interface {
	Write(context.Context, *aggregate.Batch) error
	Sources(context.Context) ([]aggregate.SourceState, error)
	Settled(context.Context) (parse.Time, error)
	Maintain(context.Context) error
}

// batchFacts and batchMinutes are how much is written in one transaction.
const (
	batchFacts   = 1000
	batchMinutes = 100
)

// Write puts all into a store. What is there already is not counted again; a
// source that the store knows keeps its place.
func (h *History) Write(ctx context.Context, s *aggregate.Summary, to HistoryStore) error {
	if h.err == nil {
		h.err = h.minutes.Flush()
	}
	if h.err != nil {
		return fmt.Errorf("gathering what was read: %w", h.err)
	}
	if err := h.writeTraffic(ctx, to); err != nil {
		return err
	}
	if err := h.writeFacts(ctx, to); err != nil {
		return err
	}
	if err := h.writeRest(ctx, s, to); err != nil {
		return err
	}
	return to.Maintain(ctx)
}

func (h *History) writeFacts(ctx context.Context, to HistoryStore) error {
	runs, err := h.facts.sorted()
	if err != nil {
		return err
	}
	b := &aggregate.Batch{}
	for {
		_, line, ok, err := runs.next()
		if err != nil {
			return err
		}
		if ok {
			f, err := readFact(line)
			if err != nil {
				return err
			}
			b.Facts = append(b.Facts, f)
		}
		if len(b.Facts) >= batchFacts || !ok {
			if err := to.Write(ctx, b); err != nil {
				return err
			}
			b = &aggregate.Batch{}
		}
		if !ok {
			return nil
		}
	}
}

// writeTraffic adds up what is of one source and minute.
func (h *History) writeTraffic(ctx context.Context, to HistoryStore) error {
	runs, err := h.traffic.sorted()
	if err != nil {
		return err
	}
	b := &aggregate.Batch{}
	var key sortKey
	var last *partMinute
	for {
		k, line, ok, err := runs.next()
		if err != nil {
			return err
		}
		if last != nil && (!ok || k != key) {
			b.Traffic = append(b.Traffic, last.minute())
			b.Seconds = append(b.Seconds, last.Seconds...)
			last = nil
		}
		if len(b.Traffic) >= batchMinutes || !ok {
			if err := to.Write(ctx, b); err != nil {
				return err
			}
			b = &aggregate.Batch{}
		}
		if !ok {
			return nil
		}
		part, err := readMinute(line)
		if err != nil {
			return err
		}
		if key = k; last == nil {
			last = part
		} else {
			last.add(part)
		}
	}
}

func (h *History) writeRest(ctx context.Context, s *aggregate.Summary, to HistoryStore) error {
	known, err := to.Sources(ctx)
	if err != nil {
		return err
	}
	settled, err := to.Settled(ctx)
	if err != nil {
		return err
	}
	b := &aggregate.Batch{Incidents: s.Incidents}
	if len(known) == 0 {
		b.Ledger = &s.Ledger
	}
	live := slices.ContainsFunc(known, func(k aggregate.SourceState) bool { return len(k.Position) > 0 })
	if !live && h.newest > settled { // what is read live asks for itself
		b.Settled = h.newest
	}
	for _, src := range s.Sources {
		src.Path = storeName(src.Path)
		if !slices.ContainsFunc(known, func(k aggregate.SourceState) bool { return k.Path == src.Path }) {
			b.Sources = append(b.Sources, aggregate.SourceState{Source: src, ReadTo: src.Last, Updated: src.Last})
		}
	}
	return to.Write(ctx, b)
}

// A keptFact is what of a Fact waits in JSON, beside its row.
type keptFact struct {
	Version    uint64
	Background bool
	Words      string
	Advice     []string
}

// A fact waits as lengths and what they are of: its row as it is listed
// everywhere, what is told beside it, its Records.
func (h *History) appendFact(b []byte, f *aggregate.Fact) ([]byte, error) {
	h.line.Reset()
	enc := report.NewNDJSON(&h.line)
	rest, err := json.Marshal(keptFact{f.Version, f.Background, valid(f.Words), f.Advice})
	if err := errors.Join(enc.Write(&f.Row), enc.Flush(), err); err != nil {
		return nil, fmt.Errorf("keeping a request for the store: %w", err)
	}
	b = append(binary.AppendUvarint(b, uint64(h.line.Len())), h.line.Bytes()...)
	b = append(binary.AppendUvarint(b, uint64(len(rest))), rest...)
	return append(b, f.Records...), nil
}

var errSpool = errors.New("what was kept in a temporary file for the store cannot be read back")

func readFact(b []byte) (f aggregate.Fact, err error) {
	var rest keptFact
	for _, v := range []any{&f.Row, &rest} {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return f, errSpool
		}
		if err := json.Unmarshal(b[k:k+int(n)], v); err != nil {
			return f, errors.Join(errSpool, err)
		}
		b = b[k+int(n):]
	}
	f.Version, f.Background, f.Words, f.Advice, f.Records = rest.Version, rest.Background, rest.Words, rest.Advice, bytes.Clone(b)
	return f, nil
}

// A partMinute is a SourceMinute on its way through a temporary file.
type partMinute struct {
	Source  string
	Minute  traffic.Minute
	Front   bool
	Failed  int64
	Rows    []partRow
	Seconds []aggregate.SourceSecond
}

type partRow struct {
	Key            traffic.Key
	N, Bytes, Busy int64
	Hist           []byte
}

func appendMinute(b []byte, m *aggregate.SourceMinute, seconds []aggregate.SourceSecond) ([]byte, error) {
	p := partMinute{Source: m.Source, Minute: m.Minute, Front: m.Front, Failed: m.Failed, Seconds: seconds}
	for _, r := range m.Rows {
		hist, err := r.Hist.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		p.Rows = append(p.Rows, partRow{r.Key, r.N, r.Bytes, int64(r.Busy), hist})
	}
	text, err := json.Marshal(&p)
	return append(b, text...), err
}

func readMinute(b []byte) (*partMinute, error) {
	p := &partMinute{}
	if err := json.Unmarshal(b, p); err != nil {
		return nil, errors.Join(errSpool, err)
	}
	return p, nil
}

// add adds what came later of the same source and minute.
func (p *partMinute) add(o *partMinute) {
	p.Failed += o.Failed
	p.Rows = append(p.Rows, o.Rows...)
	p.Seconds = append(p.Seconds, o.Seconds...)
}

// minute sums up the parts.
func (p *partMinute) minute() aggregate.SourceMinute {
	table := traffic.NewTable[traffic.Key](max(len(p.Rows), 1))
	for _, r := range p.Rows {
		cell := table.Cell(r.Key)
		cell.N += r.N
		cell.Bytes += r.Bytes
		cell.Busy += time.Duration(r.Busy)
		var hist traffic.Hist
		if hist.UnmarshalBinary(r.Hist) == nil { // it was written by the same program
			cell.Hist.Merge(&hist)
		}
	}
	p.Seconds = sumSeconds(p.Seconds)
	return aggregate.SourceMinute{Source: p.Source, Minute: p.Minute, Front: p.Front, Failed: p.Failed, Rows: table.Rows()}
}

func sumSeconds(list []aggregate.SourceSecond) []aggregate.SourceSecond {
	slices.SortFunc(list, func(a, b aggregate.SourceSecond) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Site, b.Site))
	})
	out := list[:0]
	for _, s := range list {
		if n := len(out); n > 0 && out[n-1].At == s.At && out[n-1].Site == s.Site {
			out[n-1].Requests += s.Requests
		} else {
			out = append(out, s)
		}
	}
	return out
}
