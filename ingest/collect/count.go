package collect

import (
	"time"

	"why503/parse"
	"why503/parse/traffic"
	"why503/parse/wire"
)

// Bounds on what is counted.
const (
	topRows     = 1000                          // rows of a source in a minute
	siteSeconds = 6000                          // seconds of sites in a minute; the rest is of "other"
	keep        = traffic.Minute(15)            // minutes behind the newest that are kept in memory
	farAway     = parse.Time(400 * 24 * 3600e9) // stamps that jump this far do not move the newest minute
)

// A counter counts the traffic of one source. A minute that is not in memory is
// recalled from where it was stored, so what is sent is always all of it.
type counter struct {
	recall  func(traffic.Minute) (*wire.Minute, []wire.Second, error)
	minutes map[traffic.Minute]*minute
	newest  traffic.Minute
	site    func(host []byte) string
	lastRaw []byte // Host header of the last request, and its site
	last    string
	routes  traffic.Patterns
	route   []byte
}

// A minute is what is known of one minute.
type minute struct {
	table   *traffic.Table[traffic.Key]
	failed  int64
	seconds map[second]int64
	dirty   bool
}

type second struct {
	site string
	at   int64
}

func newCounter(site func([]byte) string, routes traffic.Patterns, recall func(traffic.Minute) (*wire.Minute, []wire.Second, error)) *counter {
	return &counter{recall: recall, site: site, routes: routes, minutes: make(map[traffic.Minute]*minute)}
}

// counts reports whether r is a request that a client sent.
func counts(r *parse.Record) bool {
	return r.Kind == parse.KindRequest && (r.Tx == nil || r.Tx.Reason == parse.ReasonClient || r.Tx.Reason == parse.ReasonNone)
}

// count adds a request that ended at the given time on the source's own clock.
func (c *counter) count(source, proxy, only string, r *parse.Record, ended parse.Time) error {
	m, err := c.minute(traffic.MinuteOf(ended))
	if err != nil {
		return err
	}
	site := only
	if len(r.Host) > 0 {
		if string(r.Host) != string(c.lastRaw) || c.last == "" {
			c.lastRaw = append(c.lastRaw[:0], r.Host...)
			c.last = c.site(r.Host)
		}
		site = c.last
	}
	c.route = c.routes.AppendRoute(c.route[:0], pathOf(r.URL))
	k := traffic.Key{
		Site: site, Minute: traffic.MinuteOf(ended), Source: source, Proxy: proxy, Backend: backendOf(r), Route: string(c.route),
		Method: method(r.Method), StatusClass: statusClass(r.Status), Version: string(r.Version),
	}
	m.table.Cell(k).Count(time.Duration(r.Ended-r.Time), r.Bytes)
	if r.Status >= 500 {
		m.failed++
	}
	at := second{site, int64(ended) / 1e9}
	if len(m.seconds) >= siteSeconds {
		if _, ok := m.seconds[at]; !ok {
			at.site = traffic.Other // who makes up a Host header makes up a site
		}
	}
	m.seconds[at]++
	m.dirty = true
	return nil
}

func (c *counter) minute(at traffic.Minute) (*minute, error) {
	if m := c.minutes[at]; m != nil {
		return m, nil
	}
	m := &minute{table: traffic.NewTable[traffic.Key](topRows), seconds: make(map[second]int64)}
	old, seconds, err := c.recall(at)
	if err != nil {
		return nil, err
	}
	if old != nil {
		m.failed = old.Failed
		for _, r := range old.Rows {
			*m.table.Cell(r.Key) = *r.Cell
		}
	}
	for _, s := range seconds {
		m.seconds[second{s.Site, s.At}] = s.Requests
	}
	c.minutes[at] = m
	if at > c.newest && (c.newest == 0 || (at-c.newest).Start() < farAway) {
		c.newest = at
	}
	return m, nil
}

// changed returns the minutes that were counted in since the last call.
func (c *counter) changed() (minutes []wire.Minute, seconds []wire.Second) {
	for at, m := range c.minutes {
		if !m.dirty {
			if at < c.newest-keep {
				delete(c.minutes, at)
			}
			continue
		}
		m.dirty = false
		minutes = append(minutes, wire.Minute{Minute: at, Failed: m.failed, Rows: copies(m.table.Rows())})
		for k, n := range m.seconds {
			seconds = append(seconds, wire.Second{Site: k.site, At: k.at, Requests: n})
		}
	}
	return minutes, seconds
}

// copies detaches rows from their table, which goes on counting.
func copies(rows []traffic.Row[traffic.Key]) []traffic.Row[traffic.Key] {
	for i := range rows {
		c := *rows[i].Cell
		c.Hist = c.Hist.Clone()
		rows[i].Cell = &c
	}
	return rows
}

func pathOf(url []byte) []byte {
	for i, c := range url {
		if c == '?' {
			return url[:i]
		}
	}
	return url
}

// backendOf names what a request was sent to, as far as its own line tells.
func backendOf(r *parse.Record) string {
	if r.Tx != nil && len(r.Tx.Backend) > 0 {
		return string(r.Tx.Backend)
	}
	if n := len(r.Upstreams); n > 0 {
		return string(r.Upstreams[n-1].Addr)
	}
	return ""
}

// method returns the method, and one word for all that no standard knows, since
// clients choose it.
func method(m []byte) string {
	switch string(m) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PURGE", "BAN":
		return string(m)
	case "":
		return ""
	}
	return traffic.Other
}

func statusClass(status int) uint8 {
	if status < 100 || status > 599 {
		return 0
	}
	return uint8(status / 100)
}
