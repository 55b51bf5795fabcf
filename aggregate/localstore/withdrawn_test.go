package localstore

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"why503/aggregate"
)

func TestAWithdrawnIncidentIsGoneAndMayComeBack(t *testing.T) {
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "why503.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now().UTC().Truncate(time.Second)
	in := aggregate.Incident{ID: "20260102T0303Z-0badcafe", Site: "shop.example", Start: now, End: now.Add(time.Second), Failures: 5}
	for _, b := range []*aggregate.Batch{
		{Incidents: []aggregate.Incident{in}},
		{Withdrawn: []string{in.ID, "never heard of"}},
	} {
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Incident(t.Context(), in.ID); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("it is there: %v", err)
	}
	if list, _, err := s.Incidents(t.Context(), aggregate.Query{}, "", 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.Write(t.Context(), &aggregate.Batch{Incidents: []aggregate.Incident{in}}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Incident(t.Context(), in.ID); err != nil || got.Failures != 5 {
		t.Errorf("%+v, %v", got, err)
	}
}
