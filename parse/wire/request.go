package wire

import "why503/parse"

// Tags of Request, Part, Join and Coverage.
const (
	requestUID        = 1<<3 | bytes
	requestPart       = 2<<3 | bytes
	requestSignal     = 3<<3 | bytes
	requestCoverage   = 4<<3 | bytes
	requestNeighbours = 5<<3 | bytes
	requestRevision   = 6<<3 | varint
	requestFinal      = 7<<3 | varint

	partID     = 1<<3 | bytes
	partRecord = 2<<3 | bytes
	partDepth  = 3<<3 | varint
	partParent = 4<<3 | varint
	partJoin   = 5<<3 | bytes
	partOffset = 6<<3 | varint
	partHost   = 7<<3 | bytes
	partKind   = 8<<3 | varint
	partFile   = 9<<3 | bytes

	joinHow      = 1<<3 | varint
	joinScore    = 2<<3 | fixed
	joinRunnerUp = 3<<3 | fixed

	coverageSource    = 1<<3 | varint
	coverageKind      = 2<<3 | varint
	coverageHost      = 3<<3 | bytes
	coverageFrom      = 4<<3 | fixed
	coverageTo        = 5<<3 | fixed
	coverageLossless  = 6<<3 | varint
	coverageAsked     = 7<<3 | varint
	coverageElsewhere = 8<<3 | varint
	coverageFront     = 9<<3 | varint
)

func appendRequest(b []byte, q *parse.Request) []byte {
	b = appendID(b, requestUID, q.UID)
	for i := range q.Parts {
		b = appendPart(b, requestPart, &q.Parts[i])
	}
	for i := range q.Signals {
		b = appendPart(b, requestSignal, &q.Signals[i])
	}
	for i := range q.Coverage {
		b = appendCoverage(b, &q.Coverage[i])
	}
	for i := range q.Neighbours {
		b = appendNeighbours(b, &q.Neighbours[i])
	}
	b = appendInt(b, requestRevision, int64(q.Revision))
	return appendBool(b, requestFinal, q.Final)
}

func appendPart(b []byte, tag uint64, p *parse.Part) []byte {
	b, at := open(b, tag)
	b = appendID(b, partID, p.ID)
	b, in := open(b, partRecord)
	b = shut(appendRecord(b, p.Record), in)
	b = appendInt(b, partDepth, int64(p.Depth))
	b = appendSigned(b, partParent, int64(p.Parent))
	b, in = open(b, partJoin)
	b = appendUint(b, joinHow, uint64(p.Join.How))
	b = appendFloat(b, joinScore, p.Join.Score)
	b = appendFloat(b, joinRunnerUp, p.Join.RunnerUp)
	b = shut(b, in)
	b = appendSigned(b, partOffset, p.Offset)
	b = appendText(b, partHost, p.Host)
	b = appendUint(b, partKind, uint64(p.Kind))
	b = appendText(b, partFile, p.File)
	return shut(b, at)
}

func appendCoverage(b []byte, c *parse.Coverage) []byte {
	b, at := open(b, requestCoverage)
	b = appendInt(b, coverageSource, int64(c.Source))
	b = appendUint(b, coverageKind, uint64(c.Kind))
	b = appendText(b, coverageHost, c.Host)
	b = appendFixed(b, coverageFrom, uint64(c.From))
	b = appendFixed(b, coverageTo, uint64(c.To))
	b = appendBool(b, coverageLossless, c.Lossless)
	b = appendBool(b, coverageAsked, c.Asked)
	b = appendBool(b, coverageElsewhere, c.Elsewhere)
	b = appendBool(b, coverageFront, c.Front)
	return shut(b, at)
}

func (d *decoder) request(b []byte, q *parse.Request) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case requestUID:
			q.UID = f.id()
		case requestPart:
			d.reserve(&f)
			f.fail(d.part(f.v, add(d, &f, &q.Parts)))
		case requestSignal:
			d.reserve(&f)
			f.fail(d.part(f.v, add(d, &f, &q.Signals)))
		case requestCoverage:
			f.fail(d.coverage(f.v, add(d, &f, &q.Coverage)))
		case requestNeighbours:
			f.fail(d.neighbours(&f, q))
		case requestRevision:
			q.Revision = int(f.n)
		case requestFinal:
			q.Final = f.bool()
		}
	}
	f.fail(checkTree(q))
	return f.err
}

func (d *decoder) part(b []byte, p *parse.Part) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case partID:
			p.ID = f.id()
		case partRecord:
			if p.Record == nil {
				p.Record = d.newRecord()
			}
			f.fail(d.record(f.v, p.Record))
		case partDepth:
			p.Depth = int(f.n)
		case partParent:
			p.Parent = int(f.signed())
		case partJoin:
			f.fail(d.join(f.v, &p.Join))
		case partOffset:
			p.Offset = f.signed()
		case partHost:
			p.Host = d.name(f.v)
		case partFile:
			p.File = d.name(f.v)
		case partKind:
			p.Kind = upTo(&f, parse.NumSourceKinds-1)
		}
	}
	return f.err
}

// join takes a kind of evidence that it does not know for the weakest there is.
func (d *decoder) join(b []byte, j *parse.Join) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case joinHow:
			if j.How = upTo(&f, parse.JoinSignal); j.How == 0 && f.n != 0 {
				j.How = parse.JoinInferred
			}
		case joinScore:
			j.Score = f.float()
		case joinRunnerUp:
			j.RunnerUp = f.float()
		}
	}
	return f.err
}

func (d *decoder) coverage(b []byte, c *parse.Coverage) error {
	f := fields{b: b}
	for f.next() {
		switch f.tag {
		case coverageSource:
			c.Source = parse.SourceID(f.n)
		case coverageKind:
			c.Kind = upTo(&f, parse.NumSourceKinds-1)
		case coverageHost:
			c.Host = d.name(f.v)
		case coverageFrom:
			c.From = parse.Time(f.n)
		case coverageTo:
			c.To = parse.Time(f.n)
		case coverageLossless:
			c.Lossless = f.bool()
		case coverageAsked:
			c.Asked = f.bool()
		case coverageElsewhere:
			c.Elsewhere = f.bool()
		case coverageFront:
			c.Front = f.bool()
		}
	}
	return f.err
}

// maxDepth is more hops than a request can take.
const maxDepth = 1 << 10

// checkTree says whether every Part but the first hangs under another, up to
// the first: what climbs from Part to Part must come to an end.
func checkTree(q *parse.Request) error {
	n := len(q.Parts)
	if n == 0 || q.Parts[0].Parent != -1 {
		return errTree
	}
	for i := range q.Parts {
		p := &q.Parts[i]
		if p.Record == nil {
			return errRecord
		}
		if p.Depth < 0 || p.Depth > maxDepth || i > 0 && (p.Parent < 0 || p.Parent >= n) {
			return errTree
		}
	}
	for i := range q.Signals {
		p := &q.Signals[i]
		if p.Record == nil {
			return errRecord
		}
		if p.Parent != -1 || p.Depth < 0 || p.Depth > maxDepth {
			return errTree
		}
	}
	return checkClimb(q.Parts)
}

// checkClimb walks up from each Part until it meets the root or a Part that an
// earlier walk passed. A walk that meets itself has no end.
func checkClimb(parts []parse.Part) error {
	passed := make([]int, len(parts)) // number of the walk
	passed[0] = -1
	for walk := 1; walk < len(parts); walk++ {
		at := walk
		for passed[at] == 0 {
			passed[at] = walk
			at = parts[at].Parent
		}
		if passed[at] == walk {
			return errTree
		}
	}
	return nil
}
