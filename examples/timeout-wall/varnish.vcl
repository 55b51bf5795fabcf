vcl 4.1;

backend origin {
    .host = "198.51.100.12";
    .port = "8081";
    .first_byte_timeout = 7s;
}

sub vcl_backend_response {
    set beresp.ttl = 2s;
    set beresp.grace = 0s;
    if (beresp.status >= 500) {
        set beresp.ttl = 0s;
        set beresp.uncacheable = true;
    }
}
