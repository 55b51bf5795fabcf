package localstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"why503/aggregate"
	"why503/parse/traffic"
	"why503/rules"
)

// Summary tells of the whole minutes that a query touches. Requests are those
// of the site, and of the backend where client-facing hops name it, whatever
// became of them.
func (s *Store) Summary(ctx context.Context, q aggregate.Query) (*aggregate.Summary, error) {
	var out *aggregate.Summary
	err := s.read(ctx, func(c conn) (err error) {
		out, err = s.summary(c, q)
		return err
	})
	if err != nil {
		return nil, s.explain("summing up", err)
	}
	return out, nil
}

func (s *Store) summary(c conn, q aggregate.Query) (*aggregate.Summary, error) {
	out := &aggregate.Summary{
		Classes: map[string]int64{}, Reached: map[string]int64{}, Causes: []aggregate.Cause{}, Incidents: []aggregate.Incident{}, Sources: []aggregate.Source{},
		Others: []aggregate.Cause{}, Missing: []aggregate.MissingCount{}, Warnings: []string{}, Joined: []aggregate.Joined{},
	}
	for i := rules.ClassFailure; i < rules.NumClasses; i++ {
		out.Classes[i.String()] = 0
	}
	for i := range rules.NumReached {
		out.Reached[i.String()] = 0
	}
	if q.Incident != "" {
		in, err := s.incident(c, q.Incident)
		if err != nil && !errors.Is(err, aggregate.ErrNotFound) {
			return nil, err
		}
		if in == nil || !q.Meets(in.Site) {
			return out, s.ledger(c, out)
		}
		q.Site = aggregate.OfSite(in.Site)
		if q.From.Before(in.Start) {
			q.From = in.Start
		}
		if end := in.End.Add(1); q.To.IsZero() || q.To.After(end) {
			q.To = end
		}
	}
	full := q
	q = bounded(q)
	x, err := spanOf(c, q)
	if err != nil {
		return nil, err
	}
	stretches, err := plan(c, x, byDay)
	if err != nil {
		return nil, err
	}
	if x.to > x.from {
		out.Window = aggregate.Window{From: minuteTime(x.from), To: minuteTime(x.to)}
	}
	t, err := s.traffic1(c, stretches, q)
	if err != nil {
		return nil, err
	}
	out.Requests = t.requests
	if err := s.causes(c, stretches, x, q, t, out); err != nil {
		return nil, err
	}
	out.Requests = max(out.Requests, out.Failures)
	if out.Requests > 0 {
		out.Ratio = float64(out.Failures) / float64(out.Requests)
	}
	if out.Incidents, _, err = s.incidents(c, full, first, maxPage); err != nil {
		return nil, err
	}
	slices.Reverse(out.Incidents)
	return out, s.ledger(c, out)
}

// ledger tells of the sources, and what was lost on the way.
func (s *Store) ledger(c conn, out *aggregate.Summary) error {
	list, err := s.sources(c)
	if err != nil {
		return err
	}
	err = c.query(`SELECT value FROM state WHERE name = 'ledger'`, func(r *row) error { return json.Unmarshal(bytesOf(r, 0), &out.Ledger) })
	if err != nil {
		return err
	}
	old, _, err := c.number(`SELECT value FROM state WHERE name = 'too_old'`)
	if err != nil {
		return err
	}
	out.Ledger.Late += old
	out.Ledger.Unparsed, out.Ledger.Overruns = 0, 0
	for i := range list {
		src := list[i].Source
		out.Sources = append(out.Sources, src)
		out.Ledger.Unparsed += src.Skipped
		for _, l := range src.Losses {
			if l.Reason == "overrun" {
				out.Ledger.Overruns += l.Count
			}
		}
	}
	return nil
}

// A trafficSum is the requests of client-facing hops.
type trafficSum struct {
	requests         int64
	backends, routes map[string]int64
}

// traffic1 sums up the requests of a query in one pass.
func (s *Store) traffic1(c conn, stretches []stretch, q aggregate.Query) (*trafficSum, error) {
	sums := make(map[int64]int64)
	for _, x := range stretches {
		err := c.query("SELECT key, n FROM traffic"+levelSuffix[x.level]+" WHERE minute >= ? AND minute < ?", func(r *row) error {
			sums[r.ColumnInt64(0)] += r.ColumnInt64(1)
			return nil
		}, int64(x.from), int64(x.to))
		if err != nil {
			return nil, err
		}
	}
	t := &trafficSum{backends: map[string]int64{}, routes: map[string]int64{}}
	for id, n := range sums {
		k, err := s.traffic.key(c, id)
		if err != nil {
			return nil, err
		}
		if k == nil || !k.front || !q.Meets(k.Site) {
			continue
		}
		t.requests += n
		t.backends[k.Backend] += n
		t.routes[k.Route] += n
	}
	if n, ok := t.backends[q.Backend]; ok && q.Backend != "" {
		t.requests = n
	}
	return t, nil
}

// A causeSum gathers what has one class, cause and symptom.
type causeSum struct {
	id               causeID
	n, decidable     int64
	confidence       int64
	crawlers, hidden int64 // hidden: no client waited for it
	from, to         traffic.Minute
	backends, routes map[string]int64
	chains           map[string]int64
}

type causeID struct{ class, cause, symptom string }

type keySum struct {
	cell
	from, to traffic.Minute
}

// causes fills in all that is counted of facts.
func (s *Store) causes(c conn, stretches []stretch, x span, q aggregate.Query, t *trafficSum, out *aggregate.Summary) error {
	sums := make(map[int64]*keySum)
	for _, x := range stretches {
		width := traffic.Minute(levelMinutes[x.level])
		err := c.query("SELECT key, minute, n, confidence, crawlers, background FROM rollup"+levelSuffix[x.level]+" WHERE minute >= ? AND minute < ?", func(r *row) error {
			id, m := r.ColumnInt64(0), traffic.Minute(r.ColumnInt64(1))
			k := sums[id]
			if k == nil {
				k = &keySum{from: m, to: m + width}
				sums[id] = k
			}
			k.from, k.to = min(k.from, m), max(k.to, m+width)
			k.values[0] += r.ColumnInt64(2)
			k.values[1] += r.ColumnInt64(3)
			k.values[2] += r.ColumnInt64(4)
			k.values[3] += r.ColumnInt64(5)
			return nil
		}, int64(x.from), int64(x.to))
		if err != nil {
			return err
		}
	}
	rows := make(map[causeID]*causeSum)
	missing := make(map[aggregate.Missing]int64)
	for id, sum := range sums {
		k, err := s.fails.key(c, id)
		if err != nil {
			return err
		}
		if k == nil || !keyMeets(k, q) {
			continue
		}
		n := sum.values[0]
		out.Classes[k.Class] += n
		if k.Class == failure {
			out.Failures += n
			out.Reached[k.Reached] += n
			if !k.decidable {
				out.Undecided += n
				for _, m := range k.missingOf() {
					missing[m] += n
				}
			}
		}
		rowOf(rows, k, sum).add(k, sum)
	}
	out.Missing = missingRows(missing)
	ranked := slices.Collect(maps.Values(rows))
	slices.SortFunc(ranked, func(a, b *causeSum) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id.cause, b.id.cause), cmp.Compare(a.id.symptom, b.id.symptom), cmp.Compare(a.id.class, b.id.class))
	})
	for _, r := range ranked {
		row, err := s.causeRow(c, r, x, q, t, out.Failures)
		if err != nil {
			return err
		}
		if r.id.class == failure {
			out.Causes = append(out.Causes, row)
		} else {
			out.Others = append(out.Others, row)
		}
	}
	return nil
}

var failure = rules.ClassFailure.String()

func keyMeets(k *failKey, q aggregate.Query) bool {
	return q.Meets(k.Site) && (q.Cause == "" || k.Cause == q.Cause || k.Symptom == q.Cause) && (q.Backend == "" || k.Backend == q.Backend)
}

func rowOf(rows map[causeID]*causeSum, k *failKey, sum *keySum) *causeSum {
	id := causeID{k.Class, k.Cause, k.Symptom}
	r := rows[id]
	if r == nil {
		r = &causeSum{id: id, from: sum.from, to: sum.to, backends: map[string]int64{}, routes: map[string]int64{}, chains: map[string]int64{}}
		rows[id] = r
	}
	return r
}

func (r *causeSum) add(k *failKey, sum *keySum) {
	n := sum.values[0]
	r.n += n
	r.from, r.to = min(r.from, sum.from), max(r.to, sum.to)
	r.confidence += sum.values[1]
	r.crawlers += sum.values[2]
	r.hidden += sum.values[3]
	if k.decidable {
		r.decidable += n
	}
	r.backends[k.Backend] += n
	r.routes[k.Route] += n
	r.chains[k.chain] += n
}

// missingRows are the logs that would have decided most, first.
func missingRows(counts map[aggregate.Missing]int64) []aggregate.MissingCount {
	type id struct{ source, kind, why string }
	merged := make(map[id]*aggregate.MissingCount)
	for _, m := range slices.SortedFunc(maps.Keys(counts), func(a, b aggregate.Missing) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a.Snippet, b.Snippet), strings.Compare(a.WouldDecide, b.WouldDecide))
	}) {
		k := id{m.Source, m.Kind, m.Why}
		if merged[k] == nil {
			merged[k] = &aggregate.MissingCount{Missing: m}
		}
		merged[k].Count += counts[m]
	}
	out := make([]aggregate.MissingCount, 0, len(merged))
	for _, m := range merged {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b aggregate.MissingCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Why, b.Why))
	})
	return out
}

func (s *Store) causeRow(c conn, r *causeSum, x span, q aggregate.Query, t *trafficSum, failures int64) (aggregate.Cause, error) {
	row := aggregate.Cause{
		Cause: r.id.cause, Symptom: r.id.symptom, Class: r.id.class, Count: r.n, First: minuteTime(r.from), Last: minuteTime(r.to),
		Backends: topCounts(r.backends, t.backends), Routes: topCounts(r.routes, t.routes), Advice: []string{}, Chain: []aggregate.ChainLink{},
		Confidence: float64(r.confidence) / confidenceUnit / float64(max(r.n, 1)), Decidable: r.decidable, Crawlers: r.crawlers, Background: r.hidden,
	}
	if failures > 0 {
		row.Share = float64(r.n) / float64(failures)
	}
	begin, end := int64(max(r.from, x.from).Start()), int64(min(r.to, x.to).Start())
	if err := r.firstAndLast(c, q, begin, end, &row); err != nil {
		return row, err
	}
	return row, s.typical(c, r, q, begin, end, &row)
}

// where is the condition of the facts of a row, whose cause is walked by index.
func (r *causeSum) where(q aggregate.Query, begin, end int64) (string, []any) {
	text := ` FROM failures INDEXED BY failures_cause WHERE gone = 0 AND cause = ? AND ended >= ? AND ended < ? AND class = ? AND symptom = ?`
	args := []any{r.id.cause, begin, end, r.id.class, r.id.symptom}
	if q.Site != "" {
		text, args = text+" AND site = ?", append(args, q.SiteName())
	}
	if q.Backend != "" {
		text, args = text+" AND backend = ?", append(args, q.Backend)
	}
	return text, args
}

// firstAndLast narrows the times of a row down to its facts, where they are
// still kept: rollups know the minute, hour or day.
func (r *causeSum) firstAndLast(c conn, q aggregate.Query, begin, end int64, row *aggregate.Cause) error {
	text, args := r.where(q, begin, end)
	for _, edge := range []struct {
		order string
		at    *time.Time
	}{{" ORDER BY ended LIMIT 1", &row.First}, {" ORDER BY ended DESC LIMIT 1", &row.Last}} {
		n, ok, err := c.number("SELECT ended"+text+edge.order, args...)
		if err != nil {
			return err
		}
		if ok {
			*edge.at = time.Unix(0, n).UTC()
		}
	}
	return nil
}

// maxTypical is how many facts are looked at for one that has the chain of most.
const maxTypical = 64

// typical fills in what is told by the first fact that has the chain of most of
// the row's facts.
func (s *Store) typical(c conn, r *causeSum, q aggregate.Query, begin, end int64, row *aggregate.Cause) error {
	most := slices.MaxFunc(slices.Collect(maps.Keys(r.chains)), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.chains[a], r.chains[b]), cmp.Compare(strings.Count(a, "\n"), strings.Count(b, "\n")), strings.Compare(b, a))
	})
	text, args := r.where(q, begin, end)
	var best []byte
	found := errors.New("found")
	err := c.query("SELECT row, key"+text+" ORDER BY ended, uid LIMIT ?", func(at *sqlite.Stmt) error {
		k, err := s.fails.key(c, at.ColumnInt64(1))
		if err != nil {
			return err
		}
		if same := k != nil && k.chain == most; same || best == nil {
			best = bytesOf(at, 0)
			if same {
				return found
			}
		}
		return nil
	}, append(args, maxTypical)...)
	if err != nil && !errors.Is(err, found) || best == nil {
		return err
	}
	var x stored
	if err := s.coder.decode(best, &x); err != nil {
		return err
	}
	row.Layer, row.Words, row.Advice = x.Row.Layer, x.Words, append(row.Advice, x.Advice...)
	row.UID, row.ID = x.Row.UID, explainID(&x.Row)
	for _, l := range x.Row.Chain {
		row.Chain = append(row.Chain, aggregate.ChainLink{Link: l, N: r.with(l.Cause)})
	}
	return nil
}

// with returns how many of a row's facts have a link of a cause.
func (r *causeSum) with(cause string) (n int64) {
	for chain, count := range r.chains {
		if slices.Contains(strings.Split(chain, "\n"), clip(cause, 128)) {
			n += count
		}
	}
	return n
}

// explainID is what a person types after `why503 explain`: the shortest id that
// the request has.
func explainID(f *aggregate.Failure) string {
	switch {
	case f.VXID != 0:
		return strconv.FormatUint(f.VXID, 10)
	case f.RequestID != "":
		return f.RequestID
	}
	return f.UID
}

// mostCounts bounds the names that a row lists.
const mostCounts = 20

// topCounts returns the names with most failures, and of how many requests.
func topCounts(m, of map[string]int64) []aggregate.Count {
	list := make([]aggregate.Count, 0, len(m))
	for k, v := range m {
		if k != "" {
			list = append(list, aggregate.Count{Name: k, Count: v, Of: of[k]})
		}
	}
	slices.SortFunc(list, func(a, b aggregate.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	if len(list) > mostCounts {
		rest := aggregate.Count{Name: traffic.Other}
		for _, x := range list[mostCounts:] {
			rest.Count += x.Count
		}
		list = append(list[:mostCounts:mostCounts], rest)
	}
	return list
}
