package doctor

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"why503/parse"
)

func itoa(n int) string { return strconv.Itoa(n) }

// fsGlob is fs.Glob with the paths of the machine.
func fsGlob(root fs.FS, pattern string) ([]string, error) {
	hits, err := fs.Glob(root, rel(pattern))
	for i := range hits {
		hits[i] = "/" + hits[i]
	}
	return hits, err
}

// phpFPM reads the pools: their error log, access log and slow log.
//
// https://www.php.net/manual/en/install.fpm.configuration.php
func (f *finder) phpFPM() {
	files := make(map[string]Process)
	for _, p := range f.processes {
		if !strings.HasPrefix(p.Name, "php-fpm") || len(p.Args) < 2 || p.Args[1] == "pool" {
			continue
		}
		file := p.option("-y")
		if last := p.Args[len(p.Args)-1]; file == "" && strings.HasPrefix(last, "(") {
			file = strings.Trim(last, "()")
		}
		if file != "" {
			files[file] = p
		}
	}
	if len(files) == 0 {
		for _, glob := range []string{"/etc/php/*/fpm/php-fpm.conf", "/etc/php-fpm.conf", "/etc/php*/php-fpm.conf", "/usr/local/etc/php-fpm.conf"} {
			hits, _ := fsGlob(f.root, glob)
			for _, h := range hits {
				files[h] = Process{}
			}
		}
	}
	for _, file := range sortedKeys(files) {
		f.program(parse.PHPFPM, "php-fpm", files[file], file)
		f.fpmConfig(file)
	}
}

func (f *finder) fpmConfig(file string) {
	const prefix = "/usr"
	files := []string{file}
	for i := 0; i < len(files) && i < 100; i++ {
		pool := ""
		var slow Source
		timeout := false
		flush := func() {
			if slow.Path != "" && !timeout {
				slow.Skip = "request_slowlog_timeout is not set, so nothing is written to it"
			}
			if slow.Path != "" {
				f.add(slow)
			}
			slow, timeout = Source{}, false
		}
		for _, d := range directives(f.root, files[i], '=') {
			value := strings.ReplaceAll(d.first(), "$pool", pool)
			s := Source{Path: absolute(prefix, value), Program: parse.PHPFPM, Why: d.name + " in " + at(files[i], d.line)}
			switch {
			case d.section != "":
				flush()
				pool = d.section
			case value == "" || value == "syslog":
			case d.name == "include" && i == 0:
				more, _ := fsGlob(f.root, absolute(path.Dir(file), value))
				files = append(files, more...)
			case d.name == "error_log":
				s.Kind = parse.SourcePHPFPM
				f.add(s)
			case d.name == "access.log":
				s.Kind = parse.SourcePHPFPMAccess
				f.add(s)
			case d.name == "php_admin_value[error_log]" || d.name == "php_value[error_log]":
				s.Kind, s.Program = parse.SourceApp, parse.App
				f.add(s)
			case d.name == "slowlog":
				s.Kind = parse.SourcePHPFPMSlow
				slow = s
			case d.name == "request_slowlog_timeout":
				timeout = strings.Trim(value, "0smhd") != ""
			}
		}
		flush()
	}
}

const unreadDatabase = "this version does not read the logs of databases"

// databases finds the logs of MariaDB, MySQL and PostgreSQL. They are named so
// that nobody wonders, though they are not read yet.
func (f *finder) databases() {
	var mysql, postgres Process
	for _, p := range f.running("mariadbd", "mysqld") {
		mysql = p
	}
	for _, p := range f.running("postgres") {
		if !strings.Contains(strings.Join(p.Args, " "), ": ") && postgres.PID == 0 {
			postgres = p
		}
	}
	config := f.first("/etc/mysql/my.cnf", "/etc/my.cnf")
	if mysql.PID != 0 || config != "" {
		f.program(parse.Database, "mariadb", mysql, config)
		files := []string{config}
		for _, glob := range []string{"/etc/mysql/conf.d/*.cnf", "/etc/mysql/mariadb.conf.d/*.cnf", "/etc/mysql/mysql.conf.d/*.cnf", "/etc/my.cnf.d/*.cnf"} {
			hits, _ := fsGlob(f.root, glob)
			files = append(files, hits...)
		}
		for _, file := range files {
			for _, d := range directives(f.root, file, '=') {
				s := Source{Path: absolute("/var/lib/mysql", d.first()), Program: parse.Database, Why: d.name + " in " + at(file, d.line), Skip: unreadDatabase}
				switch strings.ReplaceAll(d.name, "-", "_") {
				case "log_error":
					s.Kind = parse.SourceDatabase
				case "slow_query_log_file", "log_slow_query_file":
					s.Kind = parse.SourceDatabaseSlow
				default:
					continue
				}
				if d.first() != "" {
					f.add(s)
				}
			}
		}
	}
	config = postgres.option("-c")
	config = strings.TrimPrefix(config, "config_file=")
	if config == "" {
		config = f.first("/etc/postgresql/*/main/postgresql.conf", "/var/lib/pgsql/data/postgresql.conf", "/var/lib/postgresql/data/postgresql.conf")
	}
	if postgres.PID != 0 || config != "" {
		f.program(parse.Database, "postgresql", postgres, config)
		hits, _ := fsGlob(f.root, "/var/log/postgresql/*.log")
		for _, h := range hits {
			f.add(Source{Path: h, Program: parse.Database, Kind: parse.SourceDatabase, Why: "the folder of the package", Skip: unreadDatabase})
		}
	}
}

// applications finds the files that programs hold open for writing. Their
// configurations are each of a kind of its own; what is open is certain.
func (f *finder) applications() {
	for _, p := range f.processes {
		program := programOf(p.Name)
		if program == parse.ProgramNone {
			continue
		}
		logs := openLogs(f.root, p.PID)
		if program == parse.App && len(logs) > 0 {
			f.program(program, p.Name, p, "")
		}
		for _, log := range logs {
			s := Source{Path: log, Program: program, Why: p.Name + " writes to it, process " + itoa(p.PID)}
			switch program {
			case parse.App:
				s.Kind = parse.SourceApp
			case parse.Database:
				s.Kind, s.Skip = parse.SourceDatabase, unreadDatabase
			}
			f.add(s)
		}
	}
}

// folders are where packages of Debian, RHEL and Alpine let programs log to.
var folders = []struct {
	glob    string
	program parse.Program
	skip    string
}{
	{"/var/log/nginx/*.log", parse.Nginx, ""}, {"/var/log/angie/*.log", parse.Nginx, ""}, {"/var/log/varnish/*.log", parse.Varnish, ""},
	{"/var/log/php*-fpm.log", parse.PHPFPM, ""}, {"/var/log/php-fpm/*.log", parse.PHPFPM, ""}, {"/var/log/php*/*.log", parse.PHPFPM, ""},
	{"/var/log/apache2/*access*.log", parse.Apache, ""}, {"/var/log/httpd/access_log", parse.Apache, ""},
	{"/var/log/gunicorn/*.log", parse.App, ""}, {"/var/log/uwsgi/*.log", parse.App, ""}, {"/var/log/supervisor/*.log", parse.App, ""}, {"/var/log/tomcat*/*.log", parse.App, ""},
	{"/var/log/apache2/*error*.log", parse.Apache, "this version does not read Apache's error log"}, {"/var/log/httpd/error_log", parse.Apache, "this version does not read Apache's error log"},
	{"/var/log/haproxy.log", parse.HAProxy, unreadHAProxy}, {"/var/log/haproxy/*.log", parse.HAProxy, unreadHAProxy},
	{"/var/log/mysql/*.log", parse.Database, unreadDatabase}, {"/var/log/mariadb/*.log", parse.Database, unreadDatabase},
	{"/var/log/postgresql/*.log", parse.Database, unreadDatabase},
}

func (f *finder) folders() {
	live := slices.ContainsFunc(f.m.Sources, func(s Source) bool { return s.Kind == parse.SourceVarnishlog && s.Child != nil && s.Read() })
	for _, d := range folders {
		hits, _ := fsGlob(f.root, d.glob)
		for _, h := range hits {
			s := Source{Path: h, Program: d.program, Why: "the folder of the package", Skip: d.skip}
			if d.program == parse.Varnish && live {
				s.Skip = "varnishlog tells more of the same requests"
			}
			f.add(s)
		}
		if len(hits) > 0 {
			continue
		}
		// A folder that may not be listed hides its files.
		dir := path.Dir(d.glob)
		if _, err := fs.ReadDir(f.root, rel(dir)); err != nil && f.exists(dir) && !strings.ContainsAny(dir, "*") && !f.has(dir) {
			s := Source{Path: dir, Program: d.program, Why: "the folder of the package"}
			f.look(&s)
			if _, err := fs.ReadDir(f.root, rel(dir)); err != nil && s.Problem == "" {
				s.Problem = "it may not be listed"
			}
			f.m.Sources = append(f.m.Sources, s)
		}
	}
}

func (f *finder) has(p string) bool {
	return slices.ContainsFunc(f.m.Sources, func(s Source) bool { return s.Path == p })
}

// journal names the units of the programs that were found: what the service
// manager says of them stands in the journal.
func (f *finder) journal() {
	if !f.exists("/run/systemd/system") || f.first("/usr/bin/journalctl", "/bin/journalctl") == "" {
		return
	}
	var units []string
	for _, p := range f.processes {
		if programOf(p.Name) != parse.ProgramNone && p.Unit != "" && !slices.Contains(units, p.Unit) {
			units = append(units, p.Unit)
		}
	}
	if len(units) > 0 {
		slices.Sort(units)
		f.add(Source{Units: units, Program: parse.Systemd, Kind: parse.SourceJournal, Why: "systemd runs these services"})
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
