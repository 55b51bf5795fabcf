vcl 4.1;

backend storefront {
    .host = "198.51.100.11";
    .port = "8080";
    .first_byte_timeout = 15s;
}

sub vcl_backend_response {
    set beresp.ttl = 3s;
    set beresp.grace = 0s;
    if (beresp.status >= 500) {
        set beresp.ttl = 0s;
        set beresp.uncacheable = true;
    }
}
