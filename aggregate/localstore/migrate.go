package localstore

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite/sqlitex"
)

// The schema in numbered steps. A step that was released is never changed.
//
//go:embed schema/*.sql
var schemaFiles embed.FS

// applicationID marks the file as ours (PRAGMA application_id): "w503".
const applicationID = 0x77353033

type migration struct {
	version int64
	name    string
	text    string
}

func migrations() []migration {
	entries, err := schemaFiles.ReadDir("schema")
	if err != nil {
		panic(err) // embedded
	}
	var list []migration
	for _, e := range entries {
		text, err := schemaFiles.ReadFile(path.Join("schema", e.Name()))
		if err != nil {
			panic(err)
		}
		number, _, _ := strings.Cut(e.Name(), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(err)
		}
		list = append(list, migration{n, strings.TrimSuffix(e.Name(), ".sql"), string(text)})
	}
	slices.SortFunc(list, func(a, b migration) int { return int(a.version - b.version) })
	return list
}

// errNewer says that a later release made the file.
type newerError struct{ have, know int64 }

func (e *newerError) Error() string {
	return fmt.Sprintf("its schema is number %d and this program knows up to %d: a newer release wrote it. Run that release, or name another file", e.have, e.know)
}

// strangerError says that the file is not ours.
type strangerError struct{ what string }

func (e *strangerError) Error() string {
	return fmt.Sprintf("%s, not a store of why503. It was left as it is; name another file", e.what)
}

// migrate brings the schema to what this program knows, in one transaction.
func migrate(c conn) error {
	have, known := int64(0), migrations()
	newest := known[len(known)-1].version
	return c.transact(`BEGIN IMMEDIATE`, func(c conn) error {
		tables, _, err := c.number(`SELECT count(*) FROM sqlite_schema WHERE type = 'table'`)
		if err != nil {
			return err
		}
		if tables > 0 {
			if have, err = versionOfSchema(c); err != nil {
				return err
			}
		} else if err := sqlitex.ExecuteScript(c.Conn, fmt.Sprintf(`PRAGMA application_id = %d;
			CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL);`, applicationID), nil); err != nil {
			return err
		}
		if have > newest {
			return &newerError{have, newest}
		}
		for _, m := range known {
			if m.version <= have {
				continue
			}
			if err := sqlitex.ExecuteScript(c.Conn, m.text, nil); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
			if err := c.exec(`INSERT INTO schema_migrations (version, name) VALUES (?, ?)`, m.version, m.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkVersion is for who only reads: nothing is migrated.
func checkVersion(c conn) error {
	known := migrations()
	newest := known[len(known)-1].version
	have, err := versionOfSchema(c)
	switch {
	case err != nil:
		return err
	case have > newest:
		return &newerError{have, newest}
	case have < newest:
		return fmt.Errorf("its schema is number %d and this program reads %d: an older release wrote it. Start `why503 serve` on it once, which brings it up to date", have, newest)
	}
	return nil
}

// checkOwner refuses a database that is not ours.
func checkOwner(c conn) error {
	tables, _, err := c.number(`SELECT count(*) FROM sqlite_schema`)
	if err != nil || tables == 0 {
		return err
	}
	_, err = versionOfSchema(c)
	return err
}

func versionOfSchema(c conn) (int64, error) {
	id, _, err := c.number(`PRAGMA application_id`)
	if err != nil {
		return 0, err
	}
	if id != applicationID {
		return 0, &strangerError{"this is a database of another program"}
	}
	have, _, err := c.number(`SELECT max(version) FROM schema_migrations`)
	return have, err
}
