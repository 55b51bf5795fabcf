vcl 4.1;

backend checkout {
    .host = "198.51.100.41";
    .port = "8080";
    .first_byte_timeout = 20s;
}

sub vcl_recv {
    if (!req.http.X-Request-ID) {
        set req.http.X-Request-ID = "r-" + req.xid;
    }
}

sub vcl_backend_response {
    set beresp.ttl = 10s;
    set beresp.grace = 0s;
    if (beresp.status >= 500) {
        set beresp.ttl = 0s;
        set beresp.uncacheable = true;
    }
}

sub vcl_backend_error {
    set beresp.http.Content-Type = "text/plain";
    synthetic("Sorry, we are having trouble. Please try again.");
    return (deliver);
}
