// Package web is the HTTP server of a process: health, readiness, metrics, and the
// routes of its roles, which answer 503 until their roles have started.
package web
