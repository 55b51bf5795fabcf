package doctor

import "why503/cmd/internal/conf"

// Apply makes the sources of m those of a configuration that names none, and
// adds the configurations that explain them where it names none either. It
// says how many sources there are then.
func (m *Machine) Apply(c *conf.Config) int {
	n := 0
	for i := range m.Sources {
		s := &m.Sources[i]
		if !s.Read() {
			continue
		}
		n++
		switch {
		case s.Child != nil:
			c.Sources.Varnishlog = append(c.Sources.Varnishlog, conf.Varnishlog{Name: Process{Args: s.Child}.option("-n")})
		case s.Units != nil:
			c.Sources.Journal.Units = append(c.Sources.Journal.Units, s.Units...)
		default:
			c.Sources.Paths = append(c.Sources.Paths, conf.Source{Path: conf.Glob(s.Path), Format: conf.Format(s.Format)})
		}
	}
	for _, x := range []struct {
		to   *[]conf.Path
		from []string
	}{{&c.NginxConf, m.NginxConf}, {&c.VCL, m.VCL}, {&c.Params, m.VarnishParams}} {
		if len(*x.to) > 0 {
			continue
		}
		for _, p := range x.from {
			*x.to = append(*x.to, conf.Path(p))
		}
	}
	return n
}
