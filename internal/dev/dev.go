// Package dev holds what makes this tree a product on a machine: set-up, the
// running of all of it together, the checks, the measurements, the pictures.
//
// It is for the Makefile alone. No program imports it, and nothing in it is
// installed on a kiosk or an agent.
package dev
