package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// An Input is where a configuration comes from.
type Input struct {
	File  string // its name in messages; empty when there is none
	Data  []byte
	Env   func(string) (string, bool) // os.LookupEnv; nil for none
	Flags *Flags                      // nil for none
	Paths []string                    // PATH... of the command line
	// ReadFile reads what *_file names; os.ReadFile when nil.
	ReadFile func(string) ([]byte, error)
}

// Load makes a Config: flag over environment over file over default. Its error
// is Problems, all that is wrong; the Config beside it is what could be read.
func Load(in Input) (*Config, error) {
	c := Default()
	r := reader{file: in.File, origins: make(map[string]Origin)}
	c.origins = r.origins
	if in.File != "" {
		r.read(in.Data, &c)
	}
	if in.Env != nil {
		r.environment(in.Env, &c)
	}
	if in.Flags != nil {
		r.flags(in.Flags, &c)
	}
	if len(in.Paths) > 0 {
		r.paths(in.Paths, &c)
	}
	read := in.ReadFile
	if read == nil {
		read = os.ReadFile
	}
	r.secrets(reflect.ValueOf(&c).Elem(), "", read)
	r.validate(&c)
	if len(r.problems) > 0 {
		return &c, r.problems.sorted()
	}
	return &c, nil
}

// environment takes every variable of a key that is set and not empty. Others
// that begin with WHY503_ are not ours to judge: Kubernetes makes some for a
// service of that name.
func (r *reader) environment(lookup func(string) (string, bool), c *Config) {
	for _, k := range Keys() {
		env := k.Env()
		if env == "" {
			continue
		}
		text, ok := lookup(env)
		if !ok || text == "" {
			continue
		}
		v, name, err := k.find(c)
		if err == nil {
			list := []string{text}
			if !k.Single {
				list = strings.Split(text, ",")
			}
			err = k.assign(v, list)
		}
		r.from(Origin{Env: env}, name, err)
	}
}

func (r *reader) flags(f *Flags, c *Config) {
	for _, k := range Keys() {
		texts, ok := f.given[k.Flag()]
		if !ok || k.Flag() == "" {
			continue
		}
		v, name, err := k.find(c)
		if err == nil {
			err = k.assign(v, texts)
		}
		r.from(Origin{Flag: "--" + k.Flag()}, name, err)
	}
}

func (r *reader) from(o Origin, name string, err error) {
	if err != nil {
		r.problems = append(r.problems, Problem{o, name, "the value " + err.Error()})
		return
	}
	r.origins[name] = o
}

// paths puts those of the command line in place of sources.paths.
func (r *reader) paths(paths []string, c *Config) {
	c.Sources.Paths = nil
	for name := range r.origins {
		if strings.HasPrefix(name, "sources.paths[") {
			delete(r.origins, name)
		}
	}
	for _, p := range paths {
		if p == "-" {
			c.Sources.Stdin = true
			r.origins["sources.stdin"] = Origin{Flag: "PATH"}
			continue
		}
		name := fmt.Sprintf("sources.paths[%d].path", len(c.Sources.Paths))
		var s Source
		if err := s.Path.set(p); err != nil { // a name that is no pattern is taken as it stands
			s.Path = Glob(p)
		}
		c.Sources.Paths = append(c.Sources.Paths, s)
		r.origins[name] = Origin{Flag: "PATH"}
	}
}

// find returns the value of k in c. Of a list of mappings it is in the only
// element, which is made when there is none.
func (k Key) find(c *Config) (reflect.Value, string, error) {
	v := reflect.ValueOf(c).Elem()
	name := k.Name
	for _, i := range k.path {
		if i >= 0 {
			v = v.Field(i)
			continue
		}
		switch v.Len() {
		case 0:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		case 1:
		default:
			return v, name, fmt.Errorf("could be for each of the %d of %s. Set it in the file, where each has its own", v.Len(), name[:strings.Index(name, "[]")])
		}
		v = v.Index(0)
		name = strings.Replace(name, "[]", "[0]", 1)
	}
	return v, name, nil
}

// assign sets v, which is k's, to texts.
func (k Key) assign(v reflect.Value, texts []string) error {
	if k.Single {
		return k.one(v, texts[len(texts)-1])
	}
	list := reflect.MakeSlice(v.Type(), len(texts), len(texts))
	for i, t := range texts {
		if err := k.one(list.Index(i), strings.TrimSpace(t)); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func (k Key) one(v reflect.Value, text string) error {
	if leaf, ok := v.Addr().Interface().(value); ok {
		return leaf.set(text)
	}
	return setBasic(v, field{words: k.words, min: k.min}, text, "!!str")
}

// secrets reads what every NAME_file names into NAME beside it.
func (r *reader) secrets(v reflect.Value, prefix string, read func(string) ([]byte, error)) {
	fields := fieldsOf(v.Type())
	for _, f := range fields {
		name := join(prefix, f.name)
		fv := v.Field(f.index)
		switch {
		case isGroup(fv.Type()):
			r.secrets(fv, name, read)
		case fv.Kind() == reflect.Slice && isGroup(fv.Type().Elem()):
			for i := range fv.Len() {
				r.secrets(fv.Index(i), fmt.Sprintf("%s[%d]", name, i), read)
			}
		case strings.HasSuffix(f.name, "_file") && fv.Len() > 0:
			for _, s := range fields {
				if s.name+"_file" == f.name {
					r.secret(v.Field(s.index), join(prefix, s.name), name, fv.String(), read)
				}
			}
		}
	}
}

// maxSecret bounds a file that holds one.
const maxSecret = 64 << 10

func (r *reader) secret(v reflect.Value, name, fileName, path string, read func(string) ([]byte, error)) {
	o := r.origins[fileName]
	if there, ok := r.origins[name]; ok {
		if o.rank() == there.rank() {
			r.problems = append(r.problems, Problem{o, fileName, fmt.Sprintf("%s is given, and %s too (%s). Leave one", fileName, name, there)})
			return
		}
		if o.rank() < there.rank() {
			return
		}
	}
	data, err := read(path)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	text := strings.TrimRight(string(data), "\r\n")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%s: %s: no such file", fileName, path)
	case err != nil:
		err = fmt.Errorf("%s: %s: %w", fileName, path, err)
	case text == "" || len(data) > maxSecret:
		err = fmt.Errorf("%s: %s: is empty or no single line", fileName, path)
	default:
		if err = v.Addr().Interface().(value).set(text); err != nil {
			err = fmt.Errorf("%s: what stands in %s %w", fileName, path, err)
		}
	}
	if err != nil {
		r.problems = append(r.problems, Problem{o, fileName, err.Error()})
		return
	}
	r.origins[name] = o
}

// rank is how much an origin has to say.
func (o Origin) rank() int {
	switch {
	case o.Flag != "":
		return 3
	case o.Env != "":
		return 2
	case o.File != "":
		return 1
	}
	return 0
}
