# As the command of varnishncsa; add -a -w FILE.
varnishncsa -b -c -E -F '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i" vxid=%{Varnish:vxid}x handling=%{Varnish:handling}x rid=%{X-Request-ID}i fetcherror="%{VSL:FetchError}x" begin="%{VSL:Begin}x"'
