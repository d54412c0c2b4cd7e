package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"yhteiskone/provision/early"
	"yhteiskone/provision/install"
	"yhteiskone/provision/lan"
)

// reading is how long a person has to read why a start over the network
// failed, before the machine tries again.
const readingTime = time.Minute

// runEarly is the first stage of a machine that was started over the network;
// the image's own script calls it.
func runEarly(ctx context.Context, args []string, stdout io.Writer) error {
	f := flagSet("early")
	if help, err := named(f, args, stdout); help || err != nil {
		return err
	}
	line, ok, err := netLine()
	if err != nil {
		return inputError{fmt.Errorf("early: %w", err)}
	}
	if !ok {
		return inputError{errors.New("early: this machine was not started by \"provision serve\"")}
	}
	client := &http.Client{Timeout: time.Minute}
	office := lan.NewOffice(line, client)
	sending, stop := context.WithCancel(ctx)
	defer stop()
	go office.Run(sending)
	host := early.This{Patient: time.Minute}
	tell := func(r lan.Report) {
		r.About = install.About("/")
		office.Tell(r)
	}
	err = early.Run(ctx, early.Options{Line: line, Root: "/", Owner: kioskUser, Host: host, Client: client, Tell: tell, Patient: time.Minute,
		Say: func(text string) { fmt.Fprintln(stdout, text) }})
	if err != nil {
		tell(lan.Report{Step: lan.Failed, Why: err.Error()})
	}
	told, done := context.WithTimeout(ctx, 10*time.Second)
	office.Wait(told) // a server that does not hear it is no reason to stop
	done()
	stop()
	if err != nil {
		fmt.Fprintf(stdout, "\nYhteiskone: %v\n\nKone yrittää uudelleen minuutin päästä. Datorn försöker igen om en minut. Trying again in a minute.\n", err)
		select {
		case <-time.After(readingTime):
		case <-ctx.Done():
		}
		return err
	}
	return host.Down(line)
}

// netLine is what the kernel's line says of the network.
func netLine() (lan.Line, bool, error) {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return lan.Line{}, false, fmt.Errorf("read the kernel's line: %w", err)
	}
	return lan.ReadLine(string(text))
}
