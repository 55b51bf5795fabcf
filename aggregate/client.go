package aggregate

import "bytes"

// ClientClass tells people from programs by what the client calls itself:
// person, crawler, monitor or unknown. It is a hint, since clients choose it.
func ClientClass(agent []byte) string {
	if len(agent) == 0 {
		return "unknown"
	}
	low := bytes.ToLower(agent[:min(len(agent), 512)])
	for _, w := range monitorWords {
		if bytes.Contains(low, w) {
			return "monitor"
		}
	}
	for _, w := range crawlerWords {
		if bytes.Contains(low, w) {
			return crawler
		}
	}
	if bytes.HasPrefix(low, []byte("mozilla/")) || bytes.HasPrefix(low, []byte("opera/")) || bytes.Contains(low, []byte("mobile")) {
		return "person"
	}
	return "unknown"
}

const crawler = "crawler"

// The words that programs put into their names; see RFC 9309 for crawlers.
var (
	monitorWords = words("uptime", "pingdom", "statuscake", "kube-probe", "elb-healthchecker", "googlehc", "check_http", "nagios", "icinga",
		"zabbix", "prometheus", "blackbox", "site24x7", "datadog", "newrelic", "haproxy", "health", "monitor")
	crawlerWords = words("bot", "crawl", "spider", "slurp", "facebookexternalhit", "embedly", "preview", "archiver", "scrapy", "feedfetcher", "mediapartners")
)

func words(s ...string) [][]byte {
	out := make([][]byte, len(s))
	for i := range s {
		out[i] = []byte(s[i])
	}
	return out
}
