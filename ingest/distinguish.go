package ingest

import (
	"crypto/sha256"
	"path/filepath"

	"why503/parse/fact"
)

// Distinguish gives sources that begin alike fingerprints of their own, as
// logs of several hosts do that begin with the same banner: first by more of
// their content, then by folder and name. Sources that differ from all others
// keep theirs, so a source has the same fingerprint in most runs.
func Distinguish(sources []*Source) {
	for _, mix := range []func(*Source, *part) []byte{longHead, nameOf} {
		groups := make(map[fact.Fingerprint][]*Source)
		for _, s := range sources {
			groups[s.Fingerprint] = append(groups[s.Fingerprint], s)
		}
		for _, group := range groups {
			if len(group) == 1 {
				continue
			}
			for _, s := range group {
				for i := range s.parts {
					s.parts[i].mix(mix(s, &s.parts[i]))
				}
				s.Fingerprint = s.parts[0].fingerprint
			}
		}
	}
}

func longHead(s *Source, p *part) []byte {
	if p.stream != nil {
		return p.ahead
	}
	head, err := s.files.head(p, SampleBytes)
	if err != nil {
		return nil // it is told when the part is read
	}
	return head
}

func nameOf(_ *Source, p *part) []byte {
	dir, name := filepath.Split(p.path)
	return []byte(filepath.Base(dir) + "/" + trimCompression(name))
}

func (p *part) mix(with []byte) {
	h := sha256.New()
	h.Write(p.fingerprint[:])
	h.Write(with)
	copy(p.fingerprint[:], h.Sum(nil))
}
