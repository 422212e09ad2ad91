// Package web is the page at /: dashboards of conversations, in one program for the browser that asks the public
// GraphQL API and nothing else.
//
// # The parts
//
//	src/        the program: TypeScript and Preact, charts with uPlot (time series) or as HTML and SVG
//	dist/page   its build by Vite, which `make build` makes and this package embeds
//	test/       end-to-end tests in a headless Chromium: `make test-browser`
//
// # Why the build is not committed
//
// Nobody can review a minified file, so a clone holds the sources and a lock file with hashes, and `make build`
// builds the page from them. `go build` alone works on a clean clone too: the binary then answers / with
// dist/missing.html, which says how to get the page.
//
// # What a browser may do
//
// The page is open to everybody and shows nothing until a person signs in (query/auth, sessions). A strict
// Content-Security-Policy allows its own files and requests to its own server, no inline script or style and no
// other host. All text from the API is put into the document as text, never as markup.
package web
