package app

import (
	"path/filepath"

	"why503/aggregate"
	"why503/ingest"
	"why503/parse"
)

// namer tells rows where Records stand.
type namer struct{ ins []*input }

// Origin implements aggregate.Namer.
func (n namer) Origin(s parse.SourceID) aggregate.Origin {
	in := n.ins[s]
	return aggregate.Origin{Name: in.name, Zone: -in.clock.Zone, Site: in.site}
}

// Place implements aggregate.Namer.
func (n namer) Place(s parse.SourceID, offset, line int64) (string, int64, int64) {
	in := n.ins[s]
	if len(in.source.Parts) < 2 {
		return in.name, offset, line
	}
	p := in.source.Place(offset, line)
	name := filepath.Base(p.Path)
	if p.Path == ingest.Stdin {
		name = "stdin"
	}
	return name, p.Offset, p.Number
}
