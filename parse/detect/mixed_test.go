package detect

import (
	"strings"
	"testing"

	"why503/parse"
	"why503/parse/frame"
)

func TestTwoFormatsInOneFile(t *testing.T) {
	access := `10.1.2.3 - - [02/Jan/2027:01:02:03 +0000] "GET /x HTTP/1.1" 502 281 "-" "curl/8.1"` + "\n"
	failed := `2027/01/02 01:02:03 [error] 29#29: *12 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.2.3, server: x, request: "GET /x HTTP/1.1", upstream: "http://10.0.0.1:80/x"` + "\n"
	fpm := "[02-Jan-2027 01:02:03] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it\n"
	served := `10.1.2.3 -  02/Jan/2027:01:02:03 +0000 "GET /index.php" 200` + "\n"
	for _, tt := range []struct {
		name, text, want, also string
		records                int
	}{
		{"nginx in a container", access + failed + access + access, "nginx", "nginx-error", 4},
		{"mostly errors", failed + access + failed + failed, "nginx-error", "nginx", 4},
		{"half and half", access + failed + access + failed, "nginx-error", "nginx", 4},
		{"PHP-FPM in a container", served + fpm + served, "php-fpm-access", "php-fpm", 3},
		{"a stray line", strings.Repeat(access, 20) + "stray\n", "nginx", "", 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Detect([]byte(tt.text), Hints{})
			if r.Format.Name != tt.want || r.Also.Name != tt.also || r.Parser == nil {
				t.Fatalf("taken for %q and %q", r.Format.Name, r.Also.Name)
			}
			n := 0
			emit := func(*parse.Record) { n++ }
			l := frame.NewLines(strings.NewReader(tt.text), 0)
			for line, err := l.Next(); err == nil; line, err = l.Next() {
				if err := r.Parser.Parse(line, emit); err != nil && string(line.Text) != "stray" {
					t.Errorf("line %d: %v", line.Number, err)
				}
			}
			r.Parser.Flush(emit)
			if n != tt.records {
				t.Errorf("%d records, want %d", n, tt.records)
			}
		})
	}
}

func TestAContainerThatOnlyWritesErrors(t *testing.T) {
	for text, want := range map[string]string{
		"2027-01-02  1:02:03 0 [Note] InnoDB: Buffer pool(s) load completed":               "mysql-error",
		"2027/01/02 01:02:03 [emerg] 1#1: host not found in upstream \"app\" in /x.conf:3": "nginx-error",
	} {
		r := Detect([]byte("2027-01-02T01:02:03.004Z stderr F "+text+"\n"), Hints{})
		if r.Format.Name != want || r.Wrapped != frame.CRI || r.Also.Name != "" || r.Empty {
			t.Errorf("taken for %+v", r)
		}
	}
	r := Detect([]byte("2027-01-02T01:02:03.004Z stdout F \n"), Hints{})
	if r.Parser != nil || r.Err("x") != nil && !r.Empty {
		t.Errorf("an empty line is taken for %q", r.Format.Name)
	}
}

func TestANameOnlyBreaksTies(t *testing.T) {
	tie := []byte(`{"time":"2027-01-02T01:02:03+01:00","remote_addr":"10.1.2.3","side":"c","method":"GET","uri":"/x","status":"503"}` + "\n")
	plainLine := []byte(`10.1.2.3 - - [02/Jan/2027:01:02:03 +0100] "GET /x HTTP/1.1" 503 281 "-" "curl/8.1"` + "\n")
	for _, tt := range []struct {
		sample     []byte
		name, want string
	}{
		{tie, "nginx.json", "nginx-json"},
		{tie, "varnish.json", "varnishncsa-json"},
		{plainLine, "varnish.log", "nginx"},
	} {
		if r := Detect(tt.sample, Hints{Name: tt.name}); r.Format.Name != tt.want {
			t.Errorf("%s is taken for %q, want %q; tried %v", tt.name, r.Format.Name, tt.want, r.Tried)
		}
	}
}
