// Package graphiql is the page on which a person writes queries: GraphiQL with
// everything it needs inside the binary.
//
// The page asks the network for nothing but its own files and ../graphql; a
// strict Content-Security-Policy sees to it. The page is open to everybody and
// shows nothing: a person enters a key's id and secret, or a token, and these
// stay in the page's memory until it is closed or loaded again.
//
// files holds, unchanged, the distributed builds of graphiql 3.9.0 (the last
// line that comes as one script), react and react-dom 18.3.1, with the licences
// of all that is in them in LICENSES.txt; page.html, page.css and page.js are
// ours.
package graphiql
