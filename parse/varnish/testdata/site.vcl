vcl 4.1; # backend commented { .host = "no"; }
import std;
include "other.vcl";
/* backend also_commented {
   .host = "no"; } */
C{ backend in_c { int x; } }C
probe health {
  .url = "/healthz"; .interval = 5s; .timeout = 300ms;
  .window = 8; .threshold = 3; .expected_response = 204;
}
backend app {
  .host = "10.0.0.5";
  .port = "8080";
  .first_byte_timeout = 90s; .connect_timeout = 0.7s;
  .probe = health;
  .max_connections = 50;
}
backend img { .path = "/run/img.sock"; .probe = { .request = "GET /p HTTP/1.1" "Host: img"; .interval = 1m; } }
backend nothing none;
sub vcl_backend_fetch {
  # set bereq.first_byte_timeout = 1s;
  if (bereq.url ~ "^/report { backend fake {") { set bereq.first_byte_timeout = 5m; }
  set bereq.http.X = "set bereq.connect_timeout = 3s;";
}
sub vcl_backend_response { set beresp.grace = 2h; set beresp.ttl = std.duration(beresp.http.ttl, 10s); set beresp.status = 200; }
sub vcl_synth { synthetic({"<p> backend html { .host = "x"; } </p>"}); }
backend cut_off { .host = "never
