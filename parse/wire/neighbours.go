package wire

import "why503/parse"

// Tags of Neighbours, Held and Wall.
const (
	neighboursSource   = 1<<3 | varint
	neighboursOf       = 2<<3 | varint
	neighboursName     = 3<<3 | bytes
	neighboursInFlight = 4<<3 | varint
	neighboursHeld     = 5<<3 | bytes
	neighboursUsual    = 6<<3 | varint
	neighboursMinutes  = 7<<3 | varint
	neighboursGood     = 8<<3 | varint
	neighboursSince    = 9<<3 | varint
	neighboursWall     = 10<<3 | bytes

	heldRoute    = 1<<3 | bytes
	heldInFlight = 2<<3 | varint

	wallEnd   = 1<<3 | varint
	wallValue = 2<<3 | varint
	wallN     = 3<<3 | varint
	wallOf    = 4<<3 | varint
)

func appendNeighbours(b []byte, n *parse.Neighbours) []byte {
	b, at := open(b, requestNeighbours)
	b = appendInt(b, neighboursSource, int64(n.Source))
	b = appendUint(b, neighboursOf, uint64(n.Of))
	b = appendText(b, neighboursName, n.Name)
	b = appendInt(b, neighboursInFlight, int64(n.InFlight))
	for i := range n.Held {
		var in int
		b, in = open(b, neighboursHeld)
		b = appendText(b, heldRoute, n.Held[i].Route)
		b = appendInt(b, heldInFlight, int64(n.Held[i].InFlight))
		b = shut(b, in)
	}
	b = appendSigned(b, neighboursUsual, n.Usual)
	b = appendInt(b, neighboursMinutes, int64(n.Minutes))
	b = appendInt(b, neighboursGood, int64(n.Good))
	b = appendSigned(b, neighboursSince, n.Since)
	for i := range n.Walls {
		b = appendWall(b, &n.Walls[i])
	}
	return shut(b, at)
}

func appendWall(b []byte, w *parse.Wall) []byte {
	b, at := open(b, neighboursWall)
	b = appendUint(b, wallEnd, uint64(w.End))
	b = appendSigned(b, wallValue, w.Value)
	b = appendInt(b, wallN, int64(w.N))
	b = appendInt(b, wallOf, int64(w.Of))
	return shut(b, at)
}

// neighbours appends to q's list, but not what counts a kind of traffic that
// only a newer writer knows: it would pass for the traffic of the whole hop.
func (d *decoder) neighbours(f *fields, q *parse.Request) error {
	n := add(d, f, &q.Neighbours)
	known, err := d.counted(f.v, n)
	if !known {
		q.Neighbours = q.Neighbours[:max(0, len(q.Neighbours)-1)]
	}
	return err
}

func (d *decoder) counted(b []byte, n *parse.Neighbours) (known bool, err error) {
	known = true
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case neighboursSource:
			n.Source = parse.SourceID(f.n)
		case neighboursOf:
			known = f.n < uint64(parse.NumTraffic)
			n.Of = upTo(&f, parse.NumTraffic-1)
		case neighboursName:
			n.Name = d.name(f.v)
		case neighboursInFlight:
			n.InFlight = int(f.n)
		case neighboursHeld:
			f.fail(d.held(f.v, add(d, &f, &n.Held)))
		case neighboursUsual:
			n.Usual = f.signed()
		case neighboursMinutes:
			n.Minutes = int(f.n)
		case neighboursGood:
			n.Good = int(f.n)
		case neighboursSince:
			n.Since = f.signed()
		case neighboursWall:
			f.fail(d.wall(f.v, add(d, &f, &n.Walls)))
		}
	}
	return known, f.err
}

func (d *decoder) held(b []byte, h *parse.Held) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case heldRoute:
			h.Route = d.name(f.v)
		case heldInFlight:
			h.InFlight = int(f.n)
		}
	}
	return f.err
}

func (d *decoder) wall(b []byte, w *parse.Wall) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case wallEnd:
			w.End = upTo(&f, parse.NumEnds-1)
		case wallValue:
			w.Value = f.signed()
		case wallN:
			w.N = int(f.n)
		case wallOf:
			w.Of = int(f.n)
		}
	}
	return f.err
}
