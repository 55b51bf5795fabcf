package report

import (
	"fmt"
	"time"

	"why503/aggregate"
)

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-11-22 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func series(start string, step time.Duration, digits string) aggregate.Series {
	s := aggregate.Series{Start: at(start), Step: step}
	for _, d := range digits {
		n := int64(0)
		if d != ' ' {
			n = int64(d - '0')
		}
		s.Counts = append(s.Counts, n)
	}
	return s
}

// summaries are the reports that the golden files hold. Each call makes new ones.
func summaries() map[string]*aggregate.Summary {
	return map[string]*aggregate.Summary{
		"lock_wait":   lockWait(),
		"two_causes":  twoCauses(),
		"undecidable": undecidable(),
		"deliberate":  deliberate(),
		"left":        clientsLeft(),
		"none":        noFailures(),
		"few":         few(),
		"dozen":       dozen(),
		"hostile":     hostile("\x1b[31mred\x07\xff \u202etxt\r\n\x9b2J\u200d"),
		"empty":       {},
		"one_of_day":  oneOfDay(),
	}
}

// lockWait is a row lock that holds up PHP until Varnish gives up.
func lockWait() *aggregate.Summary {
	failed := series("21:36:35", 250*time.Millisecond, "               12 1 212  11   121")
	chain := func(n int64, first string) []aggregate.ChainLink {
		return []aggregate.ChainLink{
			{N: n, Link: aggregate.Link{Cause: "origin_slow.first_byte_timeout", Level: "symptom", Time: "2026-11-22T21:36:40.833000Z", Program: "varnish",
				File: "varnishlog-request.txt.gz", LineNo: 3638, Line: "FetchError     first byte timeout (reused connection)", Words: first}},
			{N: n - 2, Link: aggregate.Link{Cause: "overload.workers_exhausted", Level: "info", Time: "2026-11-22T21:36:42.000000Z", Program: "php-fpm", File: "php-fpm.log", LineNo: 20,
				Line: "[22-Nov-2026 21:36:42] WARNING: [pool www] seems busy (you may need to increase pm.start_servers, or pm.min/max_spare_servers), spawning 8 children, there are 0 idle, and 5 total children", Words: "no PHP worker was free"}},
			{N: n, Inferred: 0.97, Link: aggregate.Link{Cause: "database.lock_wait", Level: "root", Time: "2026-11-22T21:36:38.000000Z", Program: "mariadb", File: "mariadb-slow.log", LineNo: 13,
				Line: "# Query_time: 6.578856  Lock_time: 0.006708  Rows_sent: 0  Rows_examined: 1\nUPDATE orders SET qty=qty+1 WHERE id=2;", Words: "rows were locked"}},
		}
	}
	words := "row locks in MariaDB held up /php/ for up to 6.6 s; Varnish waits 2.0 s"
	advice := []string{
		"Find who holds the rows: MariaDB thread 9 (root@localhost) ran one 7.0 s statement over the whole time. Make that transaction short, or batch it.",
		"Let a wait fail before Varnish does: innodb_lock_wait_timeout=1 (default 50, Varnish 2), and let the app retry the update once.",
	}
	row := func(n int64, words2 string, routes ...aggregate.Count) aggregate.Cause {
		return aggregate.Cause{Cause: "database.lock_wait", Symptom: "origin_slow.first_byte_timeout", Count: n, Share: float64(n) / 15,
			First: at("21:36:38.8"), Last: at("21:36:45.2"), Backends: []aggregate.Count{{Name: "web", Count: n, Of: 122}}, Routes: routes, Layer: "database",
			Class: "failure", Words: words, Confidence: 0.93, Decidable: n, Chain: chain(n, words2), UID: "00112233445566778899aabbccddeeff", ID: "65571", Advice: advice,
			Failed: failed}
	}
	r := row(15, "Varnish gave up at 2.00 s", aggregate.Count{Name: "/php/order/:id", Count: 12, Of: 12}, aggregate.Count{Name: "/php/ping", Count: 3, Of: 3})
	r.Crawlers = 5
	return &aggregate.Summary{
		Window: aggregate.Window{From: at("21:36:35.2"), To: at("21:36:48.4")}, Requests: 122, Failures: 15, Ratio: 15.0 / 122,
		Classes: map[string]int64{"failure": 15}, Reached: map[string]int64{"late": 15},
		Causes: []aggregate.Cause{r},
		All:    series("21:36:35", 250*time.Millisecond, "1 2623 142 13232214 2731 111114412223332323134 2243741"),
		Failed: failed,
		Sources: []aggregate.Source{
			source("varnishlog-request.txt.gz", "varnish", 9819, 219, "reference"),
			source("nginx-access-ext.log", "nginx", 130, 130, "within 1 ms"), source("nginx-error.log", "nginx", 6, 6, "within 1 ms"),
			source("php-fpm.log", "php-fpm", 40, 30, "1 s stamps"), source("php-fpm-access.log", "php-fpm", 42, 40, "1 s stamps"),
			source("php-fpm-slow.log", "php-fpm", 40, 20, "1 s stamps"),
			source("app-php.json.log", "app", 41, 41, "within 1 ms"),
			source("mariadb-slow.log", "mariadb", 60, 12, "1 s stamps"), source("mariadb-error.log", "mariadb", 40, 30, "1 s stamps"),
		},
		Joined: []aggregate.Joined{{By: "X-Varnish", N: 97, Of: 97}, {By: "X-Request-ID", N: 41, Of: 41}, {By: "inferred", N: 8, Of: 8}},
	}
}

func source(path, program string, lines, records int64, clock string) aggregate.Source {
	return aggregate.Source{Path: path, Program: program, Format: program, Lines: lines, Records: records, Clock: clock, Lossless: true,
		First: at("21:36:35.2"), Last: at("21:36:48.4")}
}

func twoCauses() *aggregate.Summary {
	refused := series("21:38:40", 250*time.Millisecond, "            1 1 1   1 2 1 2  2 2 1 1 1")
	slow := series("21:38:40", 250*time.Millisecond, "               1  1 1 1  1 2    1   1")
	sum := refused
	sum.Counts = make([]int64, len(refused.Counts))
	for i := range sum.Counts {
		sum.Counts[i] = refused.Counts[i]
		if i < len(slow.Counts) {
			sum.Counts[i] += slow.Counts[i]
		}
	}
	row := func(cause, words, route string, n int64, f aggregate.Series) aggregate.Cause {
		return aggregate.Cause{Cause: cause, Symptom: cause, Count: n, First: at("21:38:43"), Last: at("21:38:50"), Layer: "origin app", Class: "failure",
			Words: words, Confidence: 0.95, Decidable: n, ID: "32770", Failed: f, Routes: []aggregate.Count{{Name: route, Count: n, Of: n + 4}},
			Advice: []string{"Look at `systemctl status app` on the origin.", "Set first_byte_timeout=5s for this backend."},
			Chain: []aggregate.ChainLink{{N: n, Link: aggregate.Link{Cause: cause, Level: "root", Time: "2026-11-22T21:38:44.100000Z", Program: "varnish", File: "v.log", LineNo: 7,
				Line: "FetchError     " + words, Words: words}}},
		}
	}
	return &aggregate.Summary{
		Window: aggregate.Window{From: at("21:38:40"), To: at("21:38:53")}, Requests: 117, Failures: 25,
		Classes: map[string]int64{"failure": 25, "client": 2, "saved": 4}, Reached: map[string]int64{"never": 16, "late": 9},
		Causes: []aggregate.Cause{
			row("network.conn_refused", "nothing listened at 127.0.0.51:8090 (/api/search)", "/api/search", 16, refused),
			row("origin_slow.first_byte_timeout", "/api/report took longer than Varnish's 2.0 s", "/api/report", 9, slow),
		},
		All: series("21:38:40", 250*time.Millisecond, "2423222233232 4 42233623 4545836 4463232326436466 34422"), Failed: sum,
		Sources: []aggregate.Source{during(source("v.log", "varnish", 9000, 300, "reference"), "21:38:40", "21:38:51")},
	}
}

// during returns src with other times.
func during(src aggregate.Source, from, to string) aggregate.Source {
	src.First, src.Last = at(from), at(to)
	return src
}

func undecidable() *aggregate.Summary {
	s := twoCauses()
	s.Requests, s.Failures, s.Undecided = 150, 68, 68
	s.Reached = map[string]int64{"never": 60, "unknown": 8}
	s.Classes = map[string]int64{"failure": 68}
	c := s.Causes[0]
	c.Count, c.Decidable, c.Confidence, c.Words = 68, 0, 0.5, "127.0.0.11:8080 refused the connections"
	c.First, c.Last, c.Advice = at("21:32:26"), at("21:32:33"), nil
	s.Causes = []aggregate.Cause{c}
	s.Missing = []aggregate.MissingCount{
		{Count: 68, Missing: aggregate.Missing{Source: "service manager log of 127.0.0.11", Kind: "journal", Why: "not_given", WouldDecide: "whether the app was down or restarting",
			Snippet: "journalctl -u app --since '21:30' -o short-iso-precise > app.journal"}},
		{Count: 8, Missing: aggregate.Missing{Source: "nginx access log", Kind: "nginx_access", Why: "not_covered", WouldDecide: "whether the origin got the request"}},
	}
	s.Sources = append(s.Sources, aggregate.Source{Path: "core.bin", Lines: 40, Skipped: 40, Note: "no known log format; 31 were tried", Samples: []string{"\x7fELF\x02\x01\x01\x00"}})
	s.Ledger = aggregate.Ledger{Unparsed: 40, Unjoined: 3}
	s.Warnings = []string{"nginx.log: its clock is one hour ahead; its zone was taken to be UTC+1"}
	return s
}

func quiet(classes map[string]int64, requests int64, others ...aggregate.Cause) *aggregate.Summary {
	classes["failure"] = 0
	return &aggregate.Summary{
		Window: aggregate.Window{From: at("21:37:00"), To: at("21:37:14")}, Requests: requests, Classes: classes, Reached: map[string]int64{}, Others: others,
		All: series("21:37:00", time.Second, "98765432123456"), Failed: series("21:37:00", time.Second, "              "),
		Sources: []aggregate.Source{during(source("v.log", "varnish", 9000, 300, "reference"), "21:37:00", "21:37:14")},
	}
}

func deliberate() *aggregate.Summary {
	return quiet(map[string]int64{"deliberate": 22}, 126, aggregate.Cause{Cause: "deliberate.maintenance", Class: "deliberate", Count: 22, First: at("21:37:03"), Last: at("21:37:09"),
		Words: `vcl_recv, "Maintenance"`})
}

func clientsLeft() *aggregate.Summary {
	return quiet(map[string]int64{"client": 61}, 2310, aggregate.Cause{Cause: "client_abort.before_response", Class: "client", Count: 48, First: at("21:37:03"), Last: at("21:37:09"),
		Words: "it gave up after 30.0 s, which looks like a time limit of its own"})
}

func noFailures() *aggregate.Summary {
	return quiet(map[string]int64{"saved": 77}, 145, aggregate.Cause{Cause: "network.conn_refused", Class: "saved", Count: 77, Background: 77})
}

func few() *aggregate.Summary {
	s := lockWait()
	s.Failures, s.Reached = 3, map[string]int64{"late": 3}
	s.Failed = series("21:36:35", time.Second, "   1 2")
	s.Causes[0].Count, s.Causes[0].Decidable, s.Causes[0].Confidence = 3, 3, 0.7
	s.Causes[0].First, s.Causes[0].Last = at("21:36:38"), at("21:36:40")
	s.Partial = &aggregate.Partial{Share: 0.531, UpTo: at("04:12:30")}
	return s
}

// dozen has twelve incidents over a day.
func dozen() *aggregate.Summary {
	s := &aggregate.Summary{Window: aggregate.Window{From: at("00:00:00"), To: at("23:59:59")}, Requests: 1_234_567, Classes: map[string]int64{}, Reached: map[string]int64{"late": 1}}
	s.All = aggregate.Series{Start: at("00:00:00"), Step: 10 * time.Second, Counts: make([]int64, 8640)}
	s.Failed = aggregate.Series{Start: at("00:00:00"), Step: 10 * time.Second, Counts: make([]int64, 8640)}
	for i := range s.All.Counts {
		s.All.Counts[i] = 143
	}
	for i := range 12 {
		start := at(fmt.Sprintf("%02d:10:00", 2*i))
		c := twoCauses().Causes[i%2]
		c.Count, c.Decidable = int64(100*(i+1)), int64(100*(i+1))
		c.First, c.Last = start, start.Add(5*time.Minute)
		c.Failed = aggregate.Series{}
		for j := range c.Count {
			s.Failed.Counts[(2*i*3600+600)/10+int(j)%30]++
		}
		s.Causes = append(s.Causes, c)
		s.Failures += c.Count
		s.Incidents = append(s.Incidents, aggregate.Incident{ID: fmt.Sprintf("20261122T%02d10Z-00000000", 2*i), Site: "shop.example", Start: start, End: start.Add(5 * time.Minute),
			Failures: c.Count, Requests: 4200, Clients: int64(70 * (i + 1)), Causes: []aggregate.Cause{c}, Reached: map[string]int64{"never": c.Count}, Ongoing: i == 11,
			Trigger: &aggregate.Trigger{Kind: "deploy", What: "shop 1.8.3", BeforeS: 42}})
	}
	s.Failures += 7
	s.Sources = []aggregate.Source{during(source("v.log", "varnish", 9_000_000, 300_000, "reference"), "00:00:00", "23:59:59")}
	return s
}

// oneOfDay has a single incident of five minutes in a day.
func oneOfDay() *aggregate.Summary {
	s := dozen()
	s.Incidents, s.Causes = s.Incidents[3:4], s.Causes[3:4]
	s.Failures = 400
	for i := range s.Failed.Counts {
		if at := s.Failed.Start.Add(time.Duration(i) * s.Failed.Step); at.Before(s.Incidents[0].Start) || at.After(s.Incidents[0].End) {
			s.Failed.Counts[i] = 0
		}
	}
	return s
}

// hostile has x wherever text of a log can stand.
func hostile(x string) *aggregate.Summary {
	s := undecidable()
	s.Failures = 68
	c := &s.Causes[0]
	c.Cause, c.Symptom, c.Layer, c.Words, c.ID, c.UID = x, x, x, x, x, x
	c.Confidence, c.Decidable = 0.7, 60
	c.Advice = []string{x, "`" + x + "` a=" + x}
	c.Backends, c.Routes = []aggregate.Count{{Name: x, Count: 3}, {Name: x + "2", Count: 2}}, []aggregate.Count{{Name: x, Count: 3, Of: 5}}
	link := aggregate.Link{Cause: x, Level: x, Time: x, Host: x, Program: x, File: x, Line: x + x + x, Rule: x, Words: x}
	second := link
	second.Time, second.Level = "2026-11-22T21:38:44Z", "root"
	c.Chain = []aggregate.ChainLink{{Link: link, N: 60}, {Link: second, N: 50, Inferred: 0.71}}
	s.Missing[0].Missing = aggregate.Missing{Source: x, Kind: x, Why: x, WouldDecide: x, Snippet: x}
	s.Sources = append(s.Sources, aggregate.Source{Path: x, Format: x, Host: x, Program: x, Clock: x, Note: x, Zone: x, Lines: 3, Samples: []string{x, x},
		Losses: []aggregate.Loss{{Reason: x, Count: 2}}, Skipped: 3})
	s.Warnings = []string{x}
	s.Joined = []aggregate.Joined{{By: x, N: 1, Of: 2}, {By: x + "inferred", N: 1, Of: 2}}
	s.Incidents = []aggregate.Incident{{ID: x, Site: x, Trigger: &aggregate.Trigger{Kind: x, What: x, BeforeS: 3},
		Localisation: []aggregate.Local{{Where: map[string]string{"backend": x}, Share: 0.5, Baseline: 0.1, OutsideRatio: 0.0002}}}}
	return s
}
