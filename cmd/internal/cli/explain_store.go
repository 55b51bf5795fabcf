package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"why503/aggregate"
	"why503/aggregate/localstore"
	"why503/cmd/internal/conf"
	"why503/dashboards/report"
	"why503/parse/wire"
	"why503/rules"
)

// explainStored tells what a store knows of the requests that an id names.
func explainStored(c *cobra.Command, f *explainFlags, id string) error {
	look, err := f.page.options(c.OutOrStdout())
	if err != nil {
		return err
	}
	file := f.store
	if file == "" {
		file = storeFile()
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return misused("%s: no such store. Name it with --store, or give the paths of logs: %s %s /var/log/varnish/", file, c.CommandPath(), id)
	}
	store, err := localstore.Open(c.Context(), localstore.Config{Path: file, ReadOnly: true})
	if err != nil {
		return err
	}
	defer store.Close()
	rows, err := store.Find(c.Context(), id)
	if err != nil && !errors.Is(err, aggregate.ErrNotFound) {
		return err
	}
	if len(rows) == 0 {
		tell(c.ErrOrStderr(), fmt.Sprintf("%s: no failed request with that id in %s", id, file))
		return exitCode(exitFailed)
	}
	if len(rows) > maxStories { // the last that ended first
		rows = rows[:maxStories]
	}
	set, err := ruleSet(f.input.rules)
	if err != nil {
		return err
	}
	for i := range rows {
		if i > 0 {
			fmt.Fprintln(c.OutOrStdout())
		}
		if err := explainRow(c, store, set, &rows[len(rows)-1-i], report.ExplainOptions{Options: look}); err != nil {
			return err
		}
	}
	return nil
}

// explainRow tells one stored request, from its Records where they are kept.
func explainRow(c *cobra.Command, store *localstore.Store, set *rules.Set, row *aggregate.Failure, look report.ExplainOptions) error {
	b, _, err := store.Records(c.Context(), row.UID)
	if err != nil && !errors.Is(err, aggregate.ErrNotFound) {
		return err
	}
	if len(b) == 0 {
		return fmt.Errorf("%s: its lines are not kept any more; its row says %s: %s %s failed with %d, %s", row.UID, row.Time, row.Method, row.Path, row.Status, row.Cause)
	}
	q, err := wire.DecodeRequest(b)
	if err != nil {
		return err
	}
	env := new(rules.Env)
	for i := range q.Coverage {
		env.Kinds.Add(q.Coverage[i].Kind)
	}
	v := set.Diagnose(q, env)
	return report.Explain(c.OutOrStdout(), q, &v, look)
}

// storeFile is where serve keeps its store when nothing else is said.
func storeFile() string {
	if file := os.Getenv("WHY503_STORE"); file != "" {
		return file
	}
	return string(conf.Default().Store)
}
