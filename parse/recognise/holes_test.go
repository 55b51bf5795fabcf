package recognise

// filled returns the row's literal as a program would print it.
func filled(e *Event) string {
	if t, ok := texts[e.Name]; ok {
		return t
	}
	t := fillHoles(e.Literal, func(h string) string {
		if v, ok := plausible[h]; ok {
			return v
		}
		return "web1"
	})
	if e.expr.MatchString(t) {
		return t
	}
	if e.sample != nil {
		return string(e.sample)
	}
	return fillHoles(e.Literal, func(string) string { return "500" })
}

var plausible = map[string]string{
	"backend": "cart", "errno": "111", "errtext": "Connection refused", "n": "25", "m": "50", "pid": "4711", "sec": "12.5",
	"addr": "10.1.2.3:8443", "host": "api.internal", "port": "8443", "path": "/var/lib/x.sock", "pool": "web", "code": "3",
	"sig": "11", "name": "worker", "status": "503", "uri": "/checkout", "url": "/checkout", "method": "GET", "ms": "30001",
	"abs": "1767323045.123456", "since_start": "60.001234", "since_last": "60.000500", "vxid": "32770", "parent": "32770",
	"child": "32771", "level": "2", "ttl": "119.5", "grace": "10.0", "keep": "0.0", "fd": "27", "raddr": "10.1.2.3",
	"rport": "8443", "laddr": "10.1.2.4", "lport": "51234", "age": "0.52", "reuses": "4", "seconds": "5.012",
	"file": "/var/cache/x/1", "user": "svc", "db": "orders", "id": "42", "zone": "perip", "excess": "10.250",
	"script": "/srv/www/index.php", "class": "RuntimeException", "msg": "something broke", "what": "session data",
	"reason": "flush", "bits": "4---X-RH", "good": "3", "threshold": "3", "window": "8", "last": "0.001", "avg": "0.002",
	"change": "Went", "state": "sick", "resp": "HTTP/1.1 503 Service Unavailable", "rest": "4---X-RH 2 3 8 0.001 0.002 \"HTTP/1.1 503 x\"",
	"handling": "miss", "ver": "1.1", "server": "web2", "left": "0 active and 0 backup servers left.", "ip": "10.1.2.9",
	"have": "101", "max": "100", "iface": "eth0", "proc": "java", "thread": "http-1", "size": "5", "ov": "10", "t": "30",
	"idle": "0", "busy": "10", "total": "10", "waited": "5.001", "limit": "134217728", "line": "12", "module": "libc.so",
	"ip4": "10.0.0.1", "why": "it did not work", "lock": "0.0", "sent": "1", "want": "100", "got": "50", "examined": "90000", "timeout": "2.0", "over": "0.001",
	"mode": "3", "stream": "stream", "type": "req", "header": "X-Long: abc", "text": "blah blah", "head": "X-A: b", "cpu": "1",
	"constraint": "CONSTRAINT_MEMCG", "ret": "-1", "socket": "a0", "ql": "5", "dt": "1.5", "uid": "1000",
	"unit": "shop.service", "group_name": "app_pool", "sql": "SELECT 1", "object": "transaction 99", "win": "8",
	"reqs": "5", "tag": "ReqURL", "data": "/x", "srv_queue": "3", "backend_queue": "2", "dev": "sda", "host_port": "10.1.2.3:80",
	"proxy": "fe_main", "kind": "synth", "func": "std.ip", "prefix": "", "first": "first ", "to": "3",
	"stevedore": "s0", "ptr": "0x7f00", "av": "1", "a": "1.2.3.4:5", "b": "2.3.4.5:6", "yes": "YES", "d": "5ms", "version": "2.4.1",
	"cmd": "UPDATE", "mask": "0xcc0", "order": "0", "adj": "0", "vm": "100", "rss": "50", "used": "1", "sp": "7ffe", "error": "4",
	"resource": "memory", "delta": "1m2s", "before": "10M", "after": "9M", "op": "GET", "failed": "1", "role": "app", "mem": "1",
}
