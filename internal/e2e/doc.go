// Package e2e holds the scenarios: what a client, staff and a technician do,
// over the built programs, a real Chromium and a real agent.
//
// The scenarios are tests; `make test` runs them as a user without rights. The
// folders below hold what they need: town (services to run errands at), hand
// and client (a person), rig (programs, X server, configuration).
package e2e
