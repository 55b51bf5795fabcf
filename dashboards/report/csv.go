package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"why503/aggregate"
)

// csvColumns are the scalar fields of a row, named as in NDJSON, and what the
// lists come down to: how many attempts, what is missing, the proof.
var csvColumns = []string{
	"uid", "class", "site", "time", "ended", "duration_ms", "status", "cut", "method", "host", "path", "route", "bytes", "protocol",
	"request_id", "trace_id", "vxid", "client", "client_class", "proxy", "handling", "backend", "backend_addr", "conn_reused", "origin_status",
	"attempts", "reached", "symptom", "cause", "layer", "confidence", "decidable", "missing", "join", "evidence", "trigger", "proof_file", "proof_line_no", "proof_line",
}

// CSV writes a row for each failure that rows yields, below a row of names.
// A cell cannot begin a formula in a spreadsheet.
//
// https://owasp.org/www-community/attacks/CSV_Injection
func CSV(w io.Writer, rows func(yield func(*aggregate.Failure) bool)) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvColumns); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	cells := make([]string, 0, len(csvColumns))
	for f := range rows {
		cells = csvCells(cells[:0], f)
		for i, c := range cells {
			cells[i] = harmless(c)
		}
		if err := out.Write(cells); err != nil {
			return fmt.Errorf("writing CSV: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

func csvCells(c []string, f *aggregate.Failure) []string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	var lacking []string
	for _, m := range f.Missing {
		lacking = append(lacking, m.Source)
	}
	var proof aggregate.Link
	if len(f.Chain) > 0 {
		proof = f.Chain[len(f.Chain)-1]
	}
	what := ""
	if f.Trigger != nil {
		what = f.Trigger.What
	}
	return append(c,
		f.UID, f.Class, f.Site, f.Time, f.Ended, number(f.DurationMS), strconv.Itoa(f.Status), strconv.FormatBool(f.Cut), f.Method, f.Host, f.Path, f.Route,
		strconv.FormatInt(f.Bytes, 10), f.Protocol, f.RequestID, f.TraceID, strconv.FormatUint(f.VXID, 10), f.Client, f.ClientClass, f.Proxy, f.Handling,
		f.Backend, f.BackendAddr, strconv.FormatBool(f.ConnReused), strconv.Itoa(f.OriginCode), strconv.Itoa(len(f.Attempts)), f.Reached, f.Symptom, f.Cause,
		f.Layer, number(f.Confidence), strconv.FormatBool(f.Decidable), strings.Join(lacking, "; "), f.Join.How, f.Evidence, what, proof.File,
		strconv.FormatInt(proof.LineNo, 10), proof.Line)
}

// harmless escapes a cell and puts a quote before what a spreadsheet would
// read as a formula. Plain numbers stay numbers.
func harmless(s string) string {
	if s == "" {
		return s
	}
	formula := strings.IndexByte("=+-@\t\r\n", s[0]) >= 0
	if formula && s[0] == '-' {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			formula = false
		}
	}
	// Spreadsheets strip spaces before they look, and some take the full-width
	// signs of East Asian keyboards too.
	if t := strings.TrimLeft(Escape(s), " "); !formula && t != "" {
		for _, sign := range []string{"=", "+", "@", "＝", "＋", "－", "＠"} {
			formula = formula || strings.HasPrefix(t, sign)
		}
	}
	if s = Escape(s); formula {
		return "'" + s
	}
	return s
}
