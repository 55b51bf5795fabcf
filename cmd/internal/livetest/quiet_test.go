//go:build integration && linux

package livetest

import (
	"testing"
	"time"
)

// After the last request nothing more comes that could push it out of anything:
// it is told of all the same.
func TestOneRequestOfAQuietSiteIsToldOf(t *testing.T) {
	site := newSite(t)
	s := serve(t, site.dir, "--config", site.config())
	warm(t, newClients(site.front, shop, "warm"), s, "/shop/error")
	for range 3 {
		time.Sleep(3 * time.Second) // the quiet
		c := newClients(site.front, shop, "last")
		begin := time.Now()
		id := c.send(share{path: "/shop/error"})
		eventually(t, "the only request", 15*time.Second, func() error {
			rows, err := s.list(begin.Add(-time.Second), time.Now().Add(time.Second))
			for i := range rows {
				if rows[i].RequestID == id {
					return nil
				}
			}
			if err == nil {
				err = errNotYet
			}
			return err
		})
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it was in the list after %s", took)
		} else {
			t.Logf("it was in the list after %s", took.Round(time.Millisecond))
		}
	}
}
