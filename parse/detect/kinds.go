package detect

import "why503/parse"

// kinds says of each format that is read what sort of log it is.
var kinds = map[string]struct {
	kind parse.SourceKind
	prog parse.Program
}{
	"varnishlog":       {parse.SourceVarnishlog, parse.Varnish},
	"varnishncsa":      {parse.SourceVarnishncsa, parse.Varnish},
	"varnishncsa-json": {parse.SourceVarnishncsa, parse.Varnish},
	"nginx":            {parse.SourceNginxAccess, parse.Nginx},
	"nginx-json":       {parse.SourceNginxAccess, parse.Nginx},
	"nginx-error":      {parse.SourceNginxError, parse.Nginx},
	"php-fpm":          {parse.SourcePHPFPM, parse.PHPFPM},
	"php-fpm-slow":     {parse.SourcePHPFPMSlow, parse.PHPFPM},
	"php-fpm-access":   {parse.SourcePHPFPMAccess, parse.PHPFPM},
	"app-json":         {parse.SourceApp, parse.App},
	"logfmt":           {parse.SourceApp, parse.App},
	"app":              {parse.SourceApp, parse.App},
	"php-error":        {parse.SourceApp, parse.App},
	"systemd":          {parse.SourceJournal, parse.Systemd},
	"syslog":           {parse.SourceJournal, parse.Systemd},
	"journal":          {parse.SourceJournal, parse.Systemd},
	"deploy":           {parse.SourceChanges, parse.Deploy},
}

// Kind returns what sort of log a format is and which program writes it; false
// when there is no parser for it.
func Kind(format string) (parse.SourceKind, parse.Program, bool) {
	k, ok := kinds[format]
	return k.kind, k.prog, ok
}

// PrintsZone reports whether the stamps of a format are absolute. Where a
// format leaves it to the program (plain application lines), they may not be.
func PrintsZone(format string) bool {
	switch format {
	case "nginx-error", "php-fpm", "php-fpm-slow", "app", "systemd", "syslog", "deploy":
		return false
	}
	return true
}

// PrintsYear reports whether the stamps of a format always have a year.
func PrintsYear(format string) bool {
	switch format {
	case "systemd", "syslog", "deploy", "app":
		return false
	}
	return true
}
