package localstore

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"why503/aggregate"
)

type siteSecond struct {
	at   int64
	site string
}

// secondsFrom joins the requests of each second with the failures in it.
func secondsFrom(c conn, from int64) ([]aggregate.SiteSecond, error) {
	seconds := make(map[siteSecond]*aggregate.SiteSecond)
	get := func(at int64, site string) *aggregate.SiteSecond {
		k := siteSecond{at, site}
		s := seconds[k]
		if s == nil {
			s = &aggregate.SiteSecond{Site: site, At: at, Causes: map[string]int64{}}
			seconds[k] = s
		}
		return s
	}
	// What a source told of before it was found to stand behind another is there,
	// and no client asked it.
	err := c.query(`SELECT s.at, s.site, sum(s.requests) FROM seconds s LEFT JOIN covered c ON c.owner = s.owner AND c.minute = s.at / 60
		WHERE s.at >= ? AND ifnull(c.front, 1) = 1 GROUP BY s.at, s.site`, func(r *row) error {
		get(r.ColumnInt64(0), r.ColumnText(1)).Requests = r.ColumnInt64(2)
		return nil
	}, from)
	if err != nil {
		return nil, err
	}
	const most = math.MaxInt64 / 1_000_000_000
	ns := min(max(from, -most), most) * 1e9
	err = c.query(`SELECT ended, site, cause FROM failures WHERE gone = 0 AND class = 'failure' AND ended >= ? ORDER BY ended`, func(r *row) error {
		ended := r.ColumnInt64(0)
		s := get(floorDiv(ended, 1e9), r.ColumnText(1))
		if s.Failures == 0 {
			s.First = ended
		}
		s.Last = ended
		s.Failures++
		s.Causes[r.ColumnText(2)]++
		return nil
	}, ns)
	if err != nil {
		return nil, err
	}
	list := make([]aggregate.SiteSecond, 0, len(seconds))
	for _, s := range seconds {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b aggregate.SiteSecond) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Site, b.Site))
	})
	return list, nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
