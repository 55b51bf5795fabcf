package recognise

// exceptions are rows whose own text is recognised as another row, which is
// more special or says the same.
var exceptions = map[string]string{
	"varnish.beresp.status_503_synth": "varnish.beresp.status_5xx", // only the Timestamp before it tells them apart
	"varnish.probe.line":              "varnish.probe.went_sick",
	"nginx.invalid_header":            "nginx.h2.invalid_header",
	"db.mysql.1203":                   "db.own.mysql_user_conn",
	"db.pg.53100":                     "db.own.pg_disk",
	"db.mongo.notprimary":             "db.own.not_primary",
	"db.own.pg_connect":               "db.pg.refused",
	"db.own.mysql_connect":            "db.mysql.2003",
	"cdn.azurefd.OriginError":         "cdn.cloudfront.OriginError",
	"sys.systemd_startlimit":          "systemd.start_limit",
	"systemd.start_limit":             "systemd.start_limit",
}

// texts of rows whose literal cannot be filled hole by hole.
var texts = map[string]string{
	"varnish.fe.fail_errno_other": "backend cart: fail errno 12 (Cannot allocate memory)",
	"varnish.vclerr.synth_status": "return(synth()) status code (1200) is too large",
	"varnish.vclerr.via":          "Via resolution failed",
	"nginx.conn.other":            "connect() failed (106: Transport endpoint is already connected) while connecting to upstream",
	"nginx.bad_host":              `invalid port in upstream "api:99999"`,
	"nginx.h2.flow":               "upstream violated stream flow control",
	"app.py.asyncio_slow":         "Executing <Task pending name='Task-1' coro=<x() running at y.py:3>> took 3.210 seconds",
	"db.pg.57p03":                 "FATAL:  the database system is starting up",
	"haproxy.c1.C":                "Cx", "haproxy.c1.lc": "cx", "haproxy.c1.S": "Sx", "haproxy.c1.ls": "sx",
	"haproxy.c1.P": "Px", "haproxy.c1.L": "Lx", "haproxy.c1.R": "Rx", "haproxy.c1.I": "Ix", "haproxy.c1.D": "Dx",
	"haproxy.c1.U": "Ux", "haproxy.c1.K": "Kx",
	"haproxy.c2.R": "xR", "haproxy.c2.Q": "xQ", "haproxy.c2.C": "xC", "haproxy.c2.H": "xH", "haproxy.c2.D": "xD",
	"haproxy.c2.L": "xL", "haproxy.c2.T": "xT", "haproxy.c3.D": "xxDx",
}
