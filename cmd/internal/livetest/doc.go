// Package livetest runs why503 serve beside real servers: Varnish, nginx,
// PHP-FPM and gunicorn on loopback, under load, while one thing after another is
// broken on purpose. The list has to be exactly what the proxy itself says and
// what clients were answered, in time, and people have to see it.
//
// Everything runs in a folder and on ports of its own. What Debian's packages
// set up is tried in namespaces of its own, where nothing of this machine is
// touched. It holds tests alone, with the build tag integration.
package livetest
