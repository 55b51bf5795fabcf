vcl 4.1;

backend web {
    .host = "198.51.100.21";
    .port = "8080";
    .first_byte_timeout = 5s;
}

sub vcl_backend_response {
    set beresp.ttl = 5s;
    set beresp.grace = 0s;
    if (beresp.status >= 500) {
        set beresp.ttl = 0s;
        set beresp.uncacheable = true;
    }
}
