// Package auth identifies callers: keys, users, tokens, and the HTTP endpoints that issue tokens.
//
// # The parts
//
//	Store      the storage: a small key-value interface, in production a bucket shared by all roles
//	Directory  the credentials: add, list, change, disable, remove, verify
//	Authority  signs tokens, refreshes and revokes them, and answers
//	           Authenticate for every request of every role
//	Limiter    attempts at /oauth2/token a minute
//
// # What a request proves
//
// [Authority.Authenticate] takes `x-api-id` with `x-api-secret`, id and secret in
// `Authorization: Basic`, or `Authorization: Bearer`, never two of them, or the cookie of a session. The answer is a [schema.Caller]: scopes
// and projects. Every call reads the credential's record from the store, so a
// change, a disabling or a removal holds for the next request of every role;
// an access token is only a signed pointer to that record. A token's
// scopes are the granted ones that the credential still has; its
// projects are the credential's. An [Error] says which status to answer.
//
// # What is stored
//
//	signing           the Ed25519 key that signs tokens, and a pepper; written once
//	credential.<id>   a key or a user: names, rights, argon2id hash
//	family.<id>       a login: the hash of its refresh token, tokens revoked
//	revoked.<jti>     a revoked token that has no family
//
// A user's id is derived from the e-mail address and the pepper, so an address
// names one user without an index. A credential carries a random generation;
// tokens name it, so a credential that was removed and added again, or given a new password,
// accepts no earlier token.
//
// # Secrets
//
// Passwords and secrets are stored as argon2id in the PHC format, with the
// parameters OWASP recommends (19 MiB, two passes). At most one per processor is computed at a
// time, and few may wait, so logins cannot exhaust memory or processors. A key's secret has 256
// random bits. A correct secret is remembered in memory by a keyed hash, together with the stored
// hash, so only its first use costs 30 ms, once for all requests that come meanwhile; and its record
// holds 32 bits of the secret's SHA-256, so a wrong secret costs nothing. An unknown user costs the
// same as a wrong password.
//
// # Refresh tokens
//
// A refresh token is opaque, used once and replaced. Reusing one revokes its family: the holder of
// the other copy must log in again. A forged token revokes nothing and is counted against no user:
// each token carries a proof that it was issued here. Revoking a refresh token revokes its family;
// revoking an access token revokes that token.
//
// # Sessions
//
// A browser signs in at [SessionPath] with a user's password or a key's secret, and gets an access
// token with the scope read in the cookie [SessionCookie]: HttpOnly, SameSite=Strict, Secure if the
// connection is encrypted. A request with a cookie and no other credentials must come from a page of
// this server, which the browser says in Sec-Fetch-Site or Origin; that excludes forged requests,
// also by pages on another port of the host. Signing out revokes the token; so do all other changes
// that end tokens. An invitation ([Authority.Invite]) is a code that signs in once, within an hour;
// `serve --demo` prints one as a link.
//
// # Why the grants are written here
//
// Compared with libraries (linked into an empty program, stripped): ory/fosite v0.49
// adds 53 modules and 11.1 MB, zitadel/oidc v3.52 18 modules and 1.3 MB, and both are
// identity providers with login pages, consent and sessions. go-oauth2/oauth2 v4.5 adds
// one module, and parses the requests of three of our grants, about 250 lines here; it
// has neither revocation (RFC 7009) nor families of refresh tokens that end when one is
// used twice, and keeps tokens in a store of its own instead of signing them. What
// remains ours is the larger part, with a second model of clients and tokens beside it.
//
// # Foreign tokens
//
// With [OIDC] configured, access tokens of one external issuer are accepted too:
// signature by the issuer's published keys, issuer, audience and times are
// checked; scopes and projects come from configured claims.
package auth
