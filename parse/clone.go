package parse

// Clone returns a copy of r that shares no memory with it. All bytes lie in
// one array, so keeping a Clone costs a few allocations, whatever its size.
func (r *Record) Clone() *Record {
	c := *r
	n := len(r.Raw)
	for _, b := range r.Texts() {
		n += len(*b)
	}
	for i := range r.Upstreams {
		n += len(r.Upstreams[i].Addr)
	}
	for i := range r.Notes {
		n += len(r.Notes[i].Text) + len(r.Notes[i].Line)
	}
	a := arena(make([]byte, 0, n+txBytes(r.Tx)))
	c.Raw = a.put(r.Raw)
	for _, b := range c.Texts() {
		*b = a.put(*b)
	}
	c.Upstreams = append([]Upstream(nil), r.Upstreams...)
	for i := range c.Upstreams {
		c.Upstreams[i].Addr = a.put(c.Upstreams[i].Addr)
	}
	c.Notes = append([]Note(nil), r.Notes...)
	for i := range c.Notes {
		c.Notes[i].Text, c.Notes[i].Line = a.put(c.Notes[i].Text), a.put(c.Notes[i].Line)
	}
	c.Tx = r.Tx.clone(&a)
	return &c
}

// Texts returns the places of all of r's texts but Raw, for code that copies or
// redacts them without naming each.
func (r *Record) Texts() [16]*[]byte {
	return [...]*[]byte{
		&r.Method, &r.URL, &r.Host, &r.Protocol, &r.Client, &r.Agent, &r.RequestID, &r.TraceID, &r.OwnID,
		&r.Message, &r.Logger, &r.Service, &r.Version, &r.Machine, &r.Exception, &r.Frame,
	}
}

func txBytes(t *Tx) int {
	if t == nil {
		return 0
	}
	n := len(t.ReasonText) + len(t.Listen) + len(t.Backend) + len(t.BodyMode)
	for i := range t.Opens {
		o := &t.Opens[i]
		n += len(o.Name) + len(o.RemoteAddr) + len(o.RemotePort) + len(o.LocalAddr) + len(o.LocalPort)
	}
	return n
}

func (t *Tx) clone(a *arena) *Tx {
	if t == nil {
		return nil
	}
	c := *t
	c.Links = append([]TxLink(nil), t.Links...)
	c.Stamps = append([]Stamp(nil), t.Stamps...)
	c.Statuses = append([]int(nil), t.Statuses...)
	c.ReasonText, c.Listen = a.put(t.ReasonText), a.put(t.Listen)
	c.Backend, c.BodyMode = a.put(t.Backend), a.put(t.BodyMode)
	c.Opens = append([]BackendConn(nil), t.Opens...)
	for i := range c.Opens {
		o := &c.Opens[i]
		o.Name, o.RemoteAddr, o.RemotePort = a.put(o.Name), a.put(o.RemoteAddr), a.put(o.RemotePort)
		o.LocalAddr, o.LocalPort = a.put(o.LocalAddr), a.put(o.LocalPort)
	}
	return &c
}

// An arena hands out pieces of one array that was made large enough.
type arena []byte

func (a *arena) put(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	n := len(*a)
	*a = append(*a, b...)
	return (*a)[n:len(*a):len(*a)]
}
