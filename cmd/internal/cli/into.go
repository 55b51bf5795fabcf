package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"why503/aggregate"
	"why503/aggregate/localstore"
	"why503/cmd/internal/app"
)

// forever keeps history however old it is; what is too old for a running serve,
// that forgets.
const forever = -1

// An into is the store of --into; nil where none is asked for.
type into struct {
	path    string
	history *app.History
}

// newInto reads --into. A store has all requests of a minute or none, so that
// nothing may be left out.
func newInto(flag string, in *inputFlags) (*into, error) {
	if flag == "" {
		return nil, nil //nolint:nilnil // no store was asked for
	}
	kind, path, ok := strings.Cut(flag, ":")
	if !ok || kind != "sqlite" || path == "" {
		return nil, misused("--into %s: no such kind of store. Write sqlite:FILE", flag)
	}
	for _, f := range [][2]string{{"since", in.since}, {"until", in.until}, {"site", in.site}, {"backend", in.backend}, {"cause", in.cause}} {
		if name := f[0]; f[1] != "" {
			return nil, misused("--into and --%s: a store is given all requests of a log. Leave --%s away; reports of the store are narrowed instead", name, name)
		}
	}
	return &into{path, app.NewHistory()}, nil
}

func (i *into) gathered() *app.History {
	if i == nil {
		return nil
	}
	return i.history
}

func (i *into) close() {
	if i != nil {
		i.history.Close()
	}
}

// write puts what was gathered into the store, unless reading was ended before
// all was read: half a minute would stand for the whole.
func (i *into) write(c *cobra.Command, run *app.Run, s *aggregate.Summary) (err error) {
	if i == nil {
		return nil
	}
	if run.Stopped() {
		tell(c.ErrOrStderr(), "--into "+i.path+": nothing was written, since not all was read")
		return nil
	}
	store, err := localstore.Open(c.Context(), localstore.Config{
		Path: i.path, Facts: forever, Records: forever, Minutes: forever, Hours: forever, Seconds: forever, MaxBytes: forever,
	})
	if err != nil {
		return err
	}
	defer func() {
		if closing := store.Close(); err == nil {
			err = closing
		}
	}()
	return i.history.Write(c.Context(), s, store)
}
