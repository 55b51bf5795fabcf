// Package web is the page of `why503 serve` and the JSON API over a store.
//
// It promises that nothing of a log reaches a reader other than as text: pages
// are made by html/template, drawings are SVG made the same way, controls and
// characters that hide or reorder text are written as \xNN and \uNNNN, and a
// strict Content-Security-Policy forbids everything that is not this server's
// own. Pages work without scripts; the one script adds what is live.
//
// Every store query has a deadline. When the store does not answer in time the
// page says so and keeps the figures that it last had. All viewers of the same
// page share its queries.
//
// It opens no listener and knows no configuration file: who calls it does.
package web
