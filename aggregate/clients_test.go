package aggregate

import (
	"encoding/binary"
	"testing"

	"why503/parse"
)

func TestClientsAreCountedOnceEach(t *testing.T) {
	c := newClients()
	for i := range 300 {
		c.add("shop.example", parse.Time(i)*1e9, ClientOf([]byte{byte(i % 7)}))
	}
	c.add("other.example", 5e9, ClientOf([]byte("x")))
	if n := c.count("shop.example", 0, 300e9); n != 7 {
		t.Errorf("%d clients, want 7", n)
	}
	if n := c.count("shop.example", 900e9, 1000e9); n != 0 {
		t.Errorf("%d clients where none failed", n)
	}
}

func TestManyClientsAreEstimatedInBoundedMemory(t *testing.T) {
	c := newClients()
	const n = 1_000_000
	for i := range n {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(i))
		c.add("shop.example", parse.Time(i)*1e6, ClientOf(b[:]))
	}
	if len(c.seen) > maxSightings {
		t.Errorf("%d sightings kept", len(c.seen))
	}
	if got := c.count("shop.example", 0, n*1e6); got < n*97/100 || got > n*103/100 {
		t.Errorf("%d clients, want %d within 3 %%", got, n)
	}
}
