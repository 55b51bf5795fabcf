package traffic

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"why503/parse"

	"github.com/google/go-cmp/cmp"
)

const second = parse.Time(time.Second)

func failure(minute Minute, cause, route string) Key {
	return Key{Site: "shop", Minute: minute, Method: cause, Proxy: "p", Backend: "b", Route: route}
}

func TestTableKeepsTheMostAndFoldsTheRest(t *testing.T) {
	table := NewTable[Key](3)
	for i, n := range []int{50, 40, 30, 2, 1} {
		for range n {
			table.Cell(failure(7, "cause", fmt.Sprint("/r", i))).Count(time.Millisecond, 10)
		}
	}
	var got []string
	for _, r := range table.Rows() {
		got = append(got, fmt.Sprint(r.Key.Route, " ", r.N, " ", r.Bytes, " ", r.Hist.Count()))
	}
	want := []string{"other 3 30 3", "/r0 50 500 50", "/r1 40 400 40", "/r2 30 300 30"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if table.Len() != 4 {
		t.Errorf("%d rows", table.Len())
	}
}

func TestTableIsBoundedAgainstStrangersAndLosesNoCount(t *testing.T) {
	const top, n = 50, 50_000
	rng := rand.New(rand.NewPCG(5, 6))
	table := NewTable[Key](top)
	most := 0
	for i := range n {
		k := Key{
			Site: fmt.Sprint("host", rng.IntN(100_000)), Minute: 3, Source: "varnish.log", Proxy: "p", Backend: "b",
			Route: fmt.Sprint("/", rng.IntN(1000)), Method: fmt.Sprint("M", rng.IntN(100)), StatusClass: uint8(2 + i%4),
		}
		if i%10 == 0 {
			k = Key{Site: "shop", Minute: 3, Source: "varnish.log", Route: "/cart", Method: "GET", StatusClass: 5}
		}
		table.Cell(k).Count(time.Second, 1)
		most = max(most, table.Len())
	}
	if most > slack*top {
		t.Errorf("%d rows at once", most)
	}
	var sum, cart int64
	for _, r := range table.Take(3) {
		sum += r.N
		if r.Key.Route == "/cart" {
			cart = r.N
		}
	}
	if sum != n || cart != n/10 {
		t.Errorf("counted %d and %d, want %d and %d", sum, cart, n, n/10)
	}
	if _, ok := table.Oldest(); ok || table.Len() != 0 {
		t.Errorf("%d rows are left", table.Len())
	}
}

func TestTableTakesMinuteByMinuteWhatRowsShowsAtOnce(t *testing.T) {
	fill := func() *Table[Key] {
		table := NewTable[Key](2)
		for i := range 100 {
			table.Cell(failure(Minute(i%5), fmt.Sprint("c", i%3), fmt.Sprint("/", i%4))).Count(time.Duration(i)*time.Millisecond, 1)
		}
		return table
	}
	type row struct {
		Key  Key
		N    int64
		Busy time.Duration
	}
	flat := func(rows []Row[Key]) (out []row) {
		for _, r := range rows {
			out = append(out, row{r.Key, r.N, r.Busy})
		}
		return out
	}
	want := flat(fill().Rows())
	table := fill()
	var got []row
	for {
		m, ok := table.Oldest()
		if !ok {
			break
		}
		got = append(got, flat(table.Take(m))...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i := 1; i < len(want); i++ {
		if want[i-1].Key.Order(want[i].Key) >= 0 {
			t.Fatalf("row %d is out of order", i)
		}
	}
}

func TestMinutesBefore1970(t *testing.T) {
	if m := MinuteOf(-1); m != -1 || m.Start() != -60*second {
		t.Errorf("minute %d begins at %d", m, m.Start())
	}
	if m := MinuteOf(119 * second); m != 1 {
		t.Errorf("minute %d", m)
	}
}

func BenchmarkTableCell(b *testing.B) {
	table := NewTable[Key](200)
	keys := make([]Key, 300)
	for i := range keys {
		keys[i] = Key{Site: "shop.example", Minute: 28_000_000, Source: "access.log", Proxy: "nginx@edge", Backend: "10.0.0.5:8080", Route: fmt.Sprint("/r", i), Method: "GET", StatusClass: 2}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		table.Cell(keys[i%len(keys)]).Count(time.Duration(i)*time.Microsecond, 100)
		i++
	}
}
