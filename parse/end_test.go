package parse

import (
	"testing"
	"time"
)

func TestHowAFetchEnded(t *testing.T) {
	const ms = int64(time.Millisecond)
	at := func(name StampName, since int64) Stamp { return Stamp{Name: name, At: Time(since), Since: since} }
	opened := []BackendConn{{Name: []byte("web")}}
	failed := func(text string) []Note { return []Note{{Field: FieldFetchError, Text: []byte(text)}} }
	for _, tt := range []struct {
		name string
		rec  Record
		end  End
		took int64
	}{
		{"answered", Record{Tx: &Tx{Opens: opened, Statuses: []int{200}, Stamps: []Stamp{at(StampBereq, ms), at(StampBeresp, 40*ms), at(StampBerespBody, 90*ms)}}}, EndGood, 39 * ms},
		{"answered with an error", Record{Tx: &Tx{Opens: opened, Statuses: []int{502}, Stamps: []Stamp{at(StampBereq, ms), at(StampBeresp, 40*ms)}}}, EndError, 39 * ms},
		{"gave up", Record{Notes: failed("first byte timeout"), Tx: &Tx{Opens: opened, Statuses: []int{503}, Stamps: []Stamp{at(StampBereq, ms), at(StampError, 2001*ms)}}}, EndGaveUp, 2000 * ms},
		{"silent in the body", Record{Cut: true, Notes: append(failed("Resource temporarily unavailable"), failed("straight insufficient bytes")...), Tx: &Tx{Opens: opened, Statuses: []int{200}, Stamps: []Stamp{at(StampBereq, ms), at(StampBeresp, 4*ms)}}}, EndClosed, 3 * ms},
		{"closed", Record{Notes: failed("HTC eof (-1)"), Tx: &Tx{Opens: opened, Statuses: []int{503}, Stamps: []Stamp{at(StampBereq, ms), at(StampError, 7001*ms)}}}, EndClosed, 7000 * ms},
		{"broken off", Record{Cut: true, Notes: failed("chunked insufficient bytes"), Tx: &Tx{Opens: opened, Statuses: []int{200, 503}, Stamps: []Stamp{at(StampBereq, ms), at(StampBeresp, 2*ms), at(StampError, 3002*ms)}}}, EndClosed, 3000 * ms},
		{"never connected", Record{Notes: failed("backend web: fail errno 111 (Connection refused)"), Tx: &Tx{Statuses: []int{503}, Stamps: []Stamp{at(StampFetch, ms), at(StampError, 2*ms)}}}, EndNone, 9000 * ms},
		{"tried once more without a word", Record{Notes: failed("HTC eof (-1)"), Tx: &Tx{Opens: opened, Statuses: []int{200}, Stamps: []Stamp{at(StampBereq, ms), at(StampBeresp, 4*ms)}}}, EndGood, 3 * ms},
		{"an error of VCL", Record{Tx: &Tx{Statuses: []int{503}, Stamps: []Stamp{at(StampError, ms)}}}, EndNone, 9000 * ms},
		{"told by a line alone", Record{Status: 503, Notes: []Note{{Field: FieldNCSAFetchError, Text: []byte("first byte timeout")}}}, EndGaveUp, 9000 * ms},
		{"cut by the log", Record{Incomplete: true, Status: 200}, EndNone, 9000 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.rec.Kind, tt.rec.Ended = KindFetch, Time(9000*ms)
			if end, took := tt.rec.End(); end != tt.end || took != tt.took {
				t.Errorf("%v after %v, want %v after %v", end, time.Duration(took), tt.end, time.Duration(tt.took))
			}
		})
	}
}

func TestHowARequestAndItsAttemptsEnded(t *testing.T) {
	up := func(status int, connect, header, response int64) Upstream {
		return Upstream{Status: status, Connect: connect, Header: header, Response: response}
	}
	for _, tt := range []struct {
		name     string
		status   int
		cut      bool
		ups      []Upstream
		end      End
		attempts []End
	}{
		{"good", 200, false, []Upstream{up(200, 1, 5, 9)}, EndGood, []End{EndGood}},
		{"the second was good", 200, false, []Upstream{up(502, 1, -1, 9), up(200, 1, 5, 9)}, EndGood, []End{EndClosed, EndGood}},
		{"refused", 502, false, []Upstream{up(502, -1, -1, 0)}, EndError, []End{EndNone}},
		{"closed", 502, false, []Upstream{up(502, 1, -1, 9)}, EndError, []End{EndClosed}},
		{"its own 502", 502, false, []Upstream{up(502, 1, 8, 9)}, EndError, []End{EndError}},
		{"gave up", 504, false, []Upstream{up(504, 1, -1, 9)}, EndGaveUp, []End{EndGaveUp}},
		{"without the statuses of attempts", 504, false, []Upstream{up(0, 1, -1, 9)}, EndGaveUp, []End{EndGaveUp}},
		{"the client left", 499, false, []Upstream{up(0, 1, -1, 9)}, EndLeft, []End{EndLeft}},
		{"cut", 200, true, []Upstream{up(200, 1, 5, 9)}, EndNone, []End{EndClosed}},
		{"without times", 502, false, []Upstream{up(502, -1, -1, -1)}, EndError, []End{EndNone}},
		{"of a program", 500, false, nil, EndError, nil},
		{"without an answer", 0, false, nil, EndNone, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Record{Kind: KindRequest, Status: tt.status, Cut: tt.cut, Upstreams: tt.ups, Time: 1, Ended: 10}
			if end, took := r.End(); end != tt.end || took != 9 {
				t.Errorf("%v after %d, want %v", end, took, tt.end)
			}
			for i, want := range tt.attempts {
				if end, _ := r.UpstreamEnd(i); end != want {
					t.Errorf("attempt %d %v, want %v", i, end, want)
				}
			}
		})
	}
	if end, _ := (&Record{Kind: KindLog}).End(); end != EndNone {
		t.Errorf("a line %v", end)
	}
}
