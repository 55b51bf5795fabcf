package collect

import (
	"fmt"
	"testing"

	"why503/parse"
	"why503/parse/traffic"
	"why503/parse/wire"
)

func TestMadeUpHostsDoNotMakeSitesWithoutBound(t *testing.T) {
	c := newCounter(func(host []byte) string { return string(host) }, traffic.Patterns{}, func(traffic.Minute) (*wire.Minute, []wire.Second, error) { return nil, nil, nil })
	const n = 3 * siteSeconds
	at := parse.Time(1_800_000_000_000_000_000)
	for i := range n {
		r := &parse.Record{Kind: parse.KindRequest, Time: at, Ended: at, Host: fmt.Append(nil, "host-", i, ".example"), Status: 200}
		if err := c.count("access.log", "nginx", "", r, r.Ended); err != nil {
			t.Fatal(err)
		}
	}
	minutes, seconds := c.changed()
	if len(seconds) > siteSeconds+60 || len(minutes) != 1 || len(minutes[0].Rows) > topRows+8 {
		t.Errorf("%d seconds of sites and %d rows", len(seconds), len(minutes[0].Rows))
	}
	var inSeconds, inRows int64
	for _, s := range seconds {
		inSeconds += s.Requests
	}
	for _, r := range minutes[0].Rows {
		inRows += r.N
	}
	if inSeconds != n || inRows != n {
		t.Errorf("%d requests in seconds and %d in rows, of %d", inSeconds, inRows, n)
	}
}
