# In the VCL of Varnish, behind the backends.
import std;
sub vcl_recv {
    # One id in all logs. Varnish hands it on, like X-Varnish, without being told.
    if (!req.http.X-Request-ID) {
        set req.http.X-Request-ID = server.identity + "-" + std.time2integer(now, 0) + "-" + req.xid;
    }
}
sub vcl_deliver {
    set resp.http.X-Request-ID = req.http.X-Request-ID;
}
