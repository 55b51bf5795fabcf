package wire

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/fact"
	"why503/parse/recognise"
	"why503/parse/traffic"
)

var update = flag.Bool("update", false, "write the golden bytes of this version where there are none")

// unknownFields has a field of each wire type with numbers that no message has.
func unknownFields() []byte {
	b := protowire.AppendTag(nil, 900, protowire.VarintType)
	b = protowire.AppendVarint(b, 1<<40)
	b = protowire.AppendTag(b, 901, protowire.BytesType)
	b = protowire.AppendBytes(b, []byte("from a newer release"))
	b = protowire.AppendTag(b, 902, protowire.Fixed32Type)
	b = protowire.AppendFixed32(b, 1)
	b = protowire.AppendTag(b, 903, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, 1)
	b = protowire.AppendTag(b, 904, protowire.StartGroupType)
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, 1)
	return protowire.AppendTag(b, 904, protowire.EndGroupType)
}

// The values of version 1 are spelled out: fields that are added later are not
// in them, so their bytes never change.
func version1() map[string]any {
	event := recognise.Default().ByName(eventOfVersion1).ID
	fetch := &parse.Record{
		Kind: parse.KindFetch, Program: parse.Varnish, Source: 2, Offset: 99120, Line: 1201, Raw: []byte("*   << BeReq    >> 32771"),
		Time: 1767323045678901000, Ended: 1767323105682104000, Precision: 1000, Method: []byte("GET"), URL: []byte("/cart?x=1"),
		Host: []byte("shop.example"), Status: 503, Bytes: -1, RequestID: []byte("7b2e"), VXID: 32771, Incomplete: true,
		Upstreams: []parse.Upstream{{Addr: []byte("10.0.0.5:8080"), Connect: 400000, Header: -1, Response: -1}},
		Notes: []parse.Note{{
			Field: parse.FieldFetchError, Event: event, Text: []byte("first byte timeout"), Line: []byte("FetchError first byte timeout"),
			Offset: 99500, LineNo: 1219, Time: 1767323105682104000,
		}},
		Tx: &parse.Tx{
			Type: parse.TxFetch, Reason: parse.ReasonFetch, Parent: 32770, Calls: parse.CallBackendFetch | parse.CallBackendError,
			Stamps: []parse.Stamp{
				{Name: parse.StampStart, At: 1767323045678901000},
				{Name: parse.StampError, At: 1767323105682104000, Since: 60003203000, Last: 60003203000},
			},
			Statuses: []int{503}, ReasonText: []byte("Backend fetch failed"), Backend: []byte("app1"), Closed: true, BodySent: -1,
			Opens: []parse.BackendConn{{Name: []byte("app1"), RemoteAddr: []byte("10.0.0.5"), RemotePort: []byte("8080"), Age: -1}},
			Links: []parse.TxLink{{Type: parse.TxFetch, Reason: parse.ReasonRetry, VXID: 32772}},
		},
	}
	line := &parse.Record{
		Kind: parse.KindLog, Program: parse.App, Level: parse.LevelError, Source: 3, Offset: 712, Line: 9, Raw: []byte("pool \xff full"),
		Time: 1767323044000000000, Ended: 1767323044000000000, Message: []byte("pool \xff full"), Service: []byte("shop"),
		Version: []byte("1.8.3"), PID: 4711,
	}
	root := parse.RecordID{1, 2, 3}
	var hist traffic.Hist
	hist.Add(2_000_000, 41)
	hist.Add(60_000_000_000, 1)
	return map[string]any{
		"source": &Source{
			ID: 3, Name: "/var/log/app.log", Format: "json", Kind: parse.SourceApp, Program: parse.App, Host: "app-1", Site: "shop.example",
			Fingerprint: fact.Fingerprint{15: 9}, Zoned: true,
		},
		"records": &Records{Source: 2, Items: []Item{{ID: root, Record: fetch}, {ID: parse.RecordID{4}, Record: line}}},
		"want": &Want{Number: 12, Want: correlate.Want{
			UID: root, Keys: []correlate.Key{1, 1 << 63}, From: 1767323045000000000, To: 1767323106000000000, Until: 1767323200000000000,
		}},
		"answer": &Answer{Source: 2, Number: 12, Count: 1, Covered: true, Cut: true},
		"progress": &Progress{
			Source: 2, From: 1767323000000000000, To: 1767323106000000000, AtEnd: true, Lag: 1500000000, Lossless: true, Longest: 60003203000,
			Position: []byte{0, 1, 2}, Bytes: 99120, Lines: 1201, Records: 60, Unparsed: 2, Losses: map[string]int64{"overrun": 1, "cut": 2},
			Minutes: []Minute{{Minute: 29455385, Failed: 1, Rows: []traffic.Row[traffic.Key]{{
				Key: traffic.Key{
					Site: "shop.example", Minute: 29455385, Source: "varnish.log", Proxy: "varnish@edge-1", Backend: "app1", Route: "/cart",
					Method: "GET", StatusClass: 5, Version: "1.8.3", Reused: true,
				},
				Cell: &traffic.Cell{N: 42, Saved: 1, Bytes: 4096, Busy: 60082000000, Hist: hist},
			}}}},
			Seconds: []Second{{Site: "shop.example", At: 1767323105, Requests: 42}},
		},
		"clock": &Clock{Source: 3, Offset: -3600000000000, Promotes: true},
		"counts": &Counts{Seconds: []correlate.Second{
			{Source: 2, At: 1767323105000000000, Counts: []correlate.Count{
				{Began: 40, Ended: 42, Slow: 3, Failed: 1, Busy: 61500000000, Took: []correlate.Took{
					{End: parse.EndGood, Bucket: 960, N: 41, Sum: 82000000},
					{End: parse.EndGaveUp, Bucket: 1337, N: 1, Sum: 60000000000, Whole: 1},
				}},
				{Of: parse.OfBackend, Name: "app1", Ended: 1, Failed: 1, Busy: -4},
			}},
			{Source: 3, At: 1767323106000000000},
		}},
		"request": &parse.Request{
			UID: root, Revision: 2, Final: true,
			Parts: []parse.Part{
				{ID: root, Record: fetch, Parent: -1, Host: "edge-1", Kind: parse.SourceVarnishlog},
				{
					ID: parse.RecordID{4}, Record: line, Depth: 1, Offset: -300, Host: "app-1", Kind: parse.SourceApp,
					Join: parse.Join{How: parse.JoinInferred, Score: 0.97, RunnerUp: 0.2},
				},
			},
			Signals:  []parse.Part{{ID: parse.RecordID{4}, Record: line, Parent: -1, Join: parse.Join{How: parse.JoinSignal}}},
			Coverage: []parse.Coverage{{Source: 3, Kind: parse.SourceApp, Host: "app-1", From: 1, To: 2, Lossless: true, Asked: true}},
		},
		"record": line,
	}
}

const eventOfVersion1 = "varnish.fe.first_byte"

// The bytes that version 1 wrote are read for ever, and written as long as
// Version is 1.
func TestBytesOfVersion1StayGood(t *testing.T) {
	for name, want := range version1() {
		t.Run(name, func(t *testing.T) {
			b := appendAny(t, want)
			path := filepath.Join("testdata", "v1", name+".bin")
			if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
				if err := os.WriteFile(path, b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeAny(golden)
			if err != nil {
				t.Fatalf("what an older release wrote: %v", err)
			}
			if diff := cmp.Diff(want, got, hist); diff != "" {
				t.Errorf("what an older release wrote is read otherwise (-want +got):\n%s", diff)
			}
			if Version == 1 && string(b) != string(golden) {
				t.Errorf("%d bytes are written that differ from the %d of older releases, without a new Version", len(b), len(golden))
			}
		})
	}
}

func appendAny(t testing.TB, v any) []byte {
	t.Helper()
	var b []byte
	var err error
	switch v := v.(type) {
	case *parse.Request:
		b, err = AppendRequest(nil, v)
	case *parse.Record:
		b, err = AppendRecord(nil, v)
	default:
		b, err = Append(nil, v.(Message))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decodeAny reads whatever b says that it is.
func decodeAny(b []byte) (any, error) {
	m, err := Decode(b)
	if err == nil || !errors.Is(err, ErrKind) {
		return m, err
	}
	if q, err := DecodeRequest(b); !errors.Is(err, ErrKind) {
		return q, err
	}
	r, err := DecodeRecord(b)
	return r, err
}

func TestWhatIsRefused(t *testing.T) {
	envelope := func(version, kind uint64, body []byte) []byte {
		b := appendUint(nil, envelopeVersion, version)
		b = appendUint(b, envelopeKind, kind)
		return appendText(b, envelopeBody, body)
	}
	sub := func(tag uint64, body []byte) []byte {
		b, at := open(nil, tag)
		return shut(append(b, body...), at)
	}
	part := func(parent int64) []byte {
		return sub(requestPart, appendSigned(sub(partRecord, nil), partParent, parent))
	}
	join := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	nan := join(part(-1), sub(requestPart, append(sub(partRecord, nil), sub(partJoin, appendFixed(nil, joinScore, 0x7ff8000000000001))...)))
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":                             {nil, ErrDamaged},
		"a text":                              {[]byte("GET / HTTP/1.1"), ErrDamaged},
		"half of a message":                   {envelope(1, kindSource, []byte("\x12\x09var"))[:5], ErrDamaged},
		"a body that ends in the middle":      {envelope(1, kindSource, []byte("\x12\x09var")), ErrDamaged},
		"a newer version":                     {envelope(Version+1, kindSource, nil), ErrVersion},
		"a kind that a newer release sends":   {envelope(1, 200, nil), ErrKind},
		"no kind":                             {envelope(1, 0, nil), ErrKind},
		"an id of 3 bytes":                    {envelope(1, kindSource, sub(sourceFingerprint, []byte("abc"))), ErrDamaged},
		"an item without a record":            {envelope(1, kindRecords, sub(recordsItem, nil)), ErrDamaged},
		"a damaged histogram":                 {envelope(1, kindProgress, sub(progressMinute, sub(minuteRow, sub(rowHist, []byte{0})))), ErrDamaged},
		"a list that is nothing but long":     {envelope(1, kindRecords, []byte(strings.Repeat(string(sub(recordsItem, sub(itemRecord, nil))), 1<<16))), ErrTooLarge},
		"more than a message may have":        {make([]byte, MaxBytes+1), ErrTooLarge},
		"a clock that ends in the middle":     {envelope(1, kindClock, []byte{byte(clockOffset), 0x80}), ErrDamaged},
		"reasons without end":                 {envelope(1, kindProgress, reasons(maxLosses+1)), ErrTooLarge},
		"a request without a root":            {envelope(1, kindRequest, nil), ErrDamaged},
		"a root that hangs under something":   {envelope(1, kindRequest, part(0)), ErrDamaged},
		"a part that hangs under itself":      {envelope(1, kindRequest, join(part(-1), part(1))), ErrDamaged},
		"two parts that hang under the other": {envelope(1, kindRequest, join(part(-1), part(2), part(1))), ErrDamaged},
		"a part under one that is not there":  {envelope(1, kindRequest, join(part(-1), part(7))), ErrDamaged},
		"a part without a record":             {envelope(1, kindRequest, join(part(-1), sub(requestPart, nil))), ErrDamaged},
		"a signal without a record":           {envelope(1, kindRequest, join(part(-1), sub(requestSignal, nil))), ErrDamaged},
		"a score that is no number":           {envelope(1, kindRequest, nan), ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeAny(c.b)
			if !errors.Is(err, c.want) {
				t.Errorf("%T and error %v, want %v", got, err, c.want)
			}
		})
	}
}

func reasons(n int) (b []byte) {
	for i := range n {
		var at int
		b, at = open(b, progressLoss)
		b = shut(appendText(b, lossReason, string(rune('a'+i%26))+strings.Repeat("x", i/26)), at)
	}
	return b
}

func TestWhatCannotBeSent(t *testing.T) {
	for name, m := range map[string]Message{
		"no message":      nil,
		"a name too long": &Counts{Seconds: []correlate.Second{{Counts: []correlate.Count{{Name: strings.Repeat("x", MaxBytes)}}}}},
		"a nil record":    &Records{Items: []Item{{}}},
		"too large a one": &Progress{Position: make([]byte, MaxBytes)},
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := Append([]byte("before"), m); err == nil || string(b) != "before" {
				t.Errorf("error %v, and %d bytes", err, len(b))
			}
		})
	}
	if _, err := AppendRequest(nil, &parse.Request{}); err == nil {
		t.Error("a request without a root was written")
	}
}

// What a newer release calls by a number or a name that is not known here does
// no harm: such values index tables.
func TestValuesThatAreNotKnownAreNone(t *testing.T) {
	b := appendUint(nil, recordKind, 77)
	b = appendUint(b, recordProgram, 1<<40)
	b = appendUint(b, recordLevel, 200)
	b = appendInt(b, recordStatus, -5)
	b, at := open(b, recordNote)
	b = appendUint(b, noteField, 1<<62)
	b = shut(appendText(b, noteEvent, "varnish.fe.of_next_year"), at)
	b, at = open(b, recordTx)
	b = appendUint(b, txHandling, 99)
	b = shut(appendText(b, txStatuses, []byte{200, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}), at)
	var r parse.Record
	if err := newDecoder(1<<10).record(b, &r); err != nil {
		t.Fatal(err)
	}
	want := parse.Record{Notes: []parse.Note{{}}, Tx: &parse.Tx{Statuses: []int{200, 0}}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	q := parse.Request{Parts: []parse.Part{{Record: &parse.Record{}, Parent: -1}}, Neighbours: []parse.Neighbours{{Of: parse.OfRoute, Good: 1}, {Of: parse.NumTraffic}}}
	b, err := AppendRequest(nil, &q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeRequest(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q.Neighbours[:1], got.Neighbours); diff != "" {
		t.Errorf("neighbours (-want +got):\n%s", diff)
	}
}

// A kind of traffic, an end and a bucket of next year: they are not taken for
// those that are known.
func TestCountsThatAreNotKnownAreLeftOut(t *testing.T) {
	count := func(of, end, bucket uint64) []byte {
		b, at := open(nil, countedCount)
		b = appendUint(appendUint(b, countOf, of), countEnded, 5)
		b, in := open(b, countTook)
		b = appendUint(appendUint(appendUint(b, tookEnd, end), tookBucket, bucket), tookN, 1)
		return shut(shut(b, in), at)
	}
	all := append(count(1, uint64(parse.EndError), 900), count(uint64(parse.NumTraffic), 1, 1)...)
	all = append(all, count(0, 77, 1<<16+900)...)
	var got correlate.Second
	if err := newDecoder(1<<10).countedSecond(all, &got); err != nil {
		t.Fatal(err)
	}
	want := []correlate.Count{
		{Of: parse.OfBackend, Ended: 5, Took: []correlate.Took{{End: parse.EndError, Bucket: 900, N: 1}}},
		{Ended: 5, Took: []correlate.Took{{Bucket: 1<<16 - 1, N: 1}}},
	}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Readers take lists of numbers also one by one, as the specification asks.
func TestListsThatAreNotPackedAreRead(t *testing.T) {
	var w Want
	b := appendFixed(appendFixed(nil, wantKey, 7), wantKey, 8)
	if err := newDecoder(len(b)).want(b, &w); err != nil || len(w.Keys) != 2 || w.Keys[1] != 8 {
		t.Errorf("keys %v, %v", w.Keys, err)
	}
	var x parse.Tx
	b = appendUint(appendUint(nil, txStatus, 200), txStatus, 503)
	if err := newDecoder(len(b)).tx(b, &x); err != nil || len(x.Statuses) != 2 || x.Statuses[1] != 503 {
		t.Errorf("statuses %v, %v", x.Statuses, err)
	}
	if wantKey>>3 != wantKeys>>3 || txStatus>>3 != txStatuses>>3 {
		t.Error("the two forms of a list are one field")
	}
}

// A text of a decoded message is a piece of the input, and what is appended to
// it does not run into the next.
func TestAppendingToATextLeavesTheOthers(t *testing.T) {
	r := decode(t, appendAny(t, version1()["records"])).(*Records).Items[0].Record
	_ = append(r.Method, " /overwritten"...)
	if string(r.URL) != "/cart?x=1" {
		t.Errorf("the URL became %q", r.URL)
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range version1() {
		f.Add(appendAny(f, v))
	}
	for _, m := range messages(f) {
		f.Add(encode(f, m))
	}
	f.Add(appendAny(f, filled[parse.Request](f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeAny(b)
		if err != nil {
			return
		}
		again := appendAny(t, v)
		w, err := decodeAny(again)
		if errors.Is(err, ErrTooLarge) {
			return // it rested on the length of what is not known
		}
		if err != nil {
			t.Fatalf("what was decoded and encoded is refused: %v", err)
		}
		if string(appendAny(t, w)) != string(again) {
			t.Fatalf("two encodings of one value:\n%s", cmp.Diff(v, w, hist))
		}
	})
}
