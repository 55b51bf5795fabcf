package web

import (
	"time"

	"why503/parse"
	"why503/rules"
)

// told is a request over four programs, with text in all that a log says of it.
// Empty text leaves what a real one would have.
func told(text string) (*parse.Request, *rules.Verdict) {
	or := func(s string) []byte {
		if text != "" {
			return []byte(text)
		}
		return []byte(s)
	}
	began := time.Date(2026, 11, 22, 21, 22, 7, 611e6, time.UTC)
	at := func(d time.Duration) parse.Time { return parse.Time(began.Add(d).UnixNano()) }
	rec := func(p parse.Program, k parse.Kind, from, to time.Duration, status int, line int64) *parse.Record {
		return &parse.Record{
			Kind: k, Program: p, Source: parse.SourceID(line % 4), Line: line, Time: at(from), Ended: at(to), Status: status, Precision: int64(time.Millisecond),
			Method: or("POST"), URL: or("/cart/checkout"), Host: or("shop.example"), Client: or("203.0.113.50"), RequestID: or("1f674a82-cd7d"), VXID: 65571,
		}
	}
	front := rec(parse.Varnish, parse.KindRequest, 0, 2*time.Second, 503, 3638)
	front.Raw = or("*   << Request  >> 65571")
	fetch := rec(parse.Varnish, parse.KindFetch, time.Millisecond, 2*time.Second, 503, 3700)
	fetch.Raw = or("**  << BeReq    >> 65572")
	fetch.Notes = []parse.Note{{Field: parse.FieldFetchError, Event: 1, Text: or("first byte timeout"), Line: or("--  FetchError     first byte timeout")}}
	web := rec(parse.Nginx, parse.KindRequest, 2*time.Millisecond, 2*time.Second, 499, 38)
	web.Raw = or(`10.0.0.2 - - "POST /cart/checkout HTTP/1.1" 499 0`)
	app := rec(parse.PHPFPM, parse.KindRequest, 3*time.Millisecond, 6581*time.Millisecond, 200, 12)
	app.Raw = or(`- - 22/Nov/2026:21:22:07 "POST /index.php" 200`)
	db := rec(parse.Database, parse.KindLog, 10*time.Millisecond, 6570*time.Millisecond, 0, 13)
	db.Raw, db.Message = or("# Query_time: 6.578856  Lock_time: 0.006708"), or("UPDATE orders SET qty=qty+1 WHERE id=2;")
	q := &parse.Request{Parts: []parse.Part{
		{Record: front, Parent: -1, Join: parse.Join{How: parse.JoinRoot}},
		{Record: fetch, Parent: 0, Depth: 1, Join: parse.Join{How: parse.JoinLink}},
		{Record: web, Parent: 1, Depth: 1, Join: parse.Join{How: parse.JoinVXID}},
		{Record: app, Parent: 2, Depth: 2, Join: parse.Join{How: parse.JoinRequestID}},
		{Record: db, Parent: 3, Depth: 3, Join: parse.Join{How: parse.JoinInferred, Score: .97}},
	}, Final: true}
	v := &rules.Verdict{
		Symptom: "origin_slow.first_byte_timeout", Cause: "database.lock_wait", Confidence: .93, Decidable: true, Words: string(or("row locks in MariaDB held up /cart/checkout; Varnish waits 2.0 s")),
		Chain: []rules.Link{{Cause: "origin_slow.first_byte_timeout", Level: "symptom", Part: 1, Line: or("--  FetchError     first byte timeout")}, {Cause: "database.lock_wait", Level: "root", Part: 4, Line: db.Raw}},
	}
	return q, v
}
