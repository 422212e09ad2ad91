// Package status says in plain words what is well in a process and what is not, from its own metrics and readiness: GET /v1/status,
// for credentials with the scope admin. The page shows it at /status.
package status
