package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/enrol"
	"yhteiskone/provision/install"
	"yhteiskone/provision/serve"
	"yhteiskone/provision/write"
)

// askWithin is how long another DHCP server has to answer: some look for 3 seconds
// whether an address is free before they offer it.
const askWithin = 8 * time.Second

// several is a flag that may be said more than once.
type several []string

func (s *several) String() string     { return fmt.Sprint([]string(*s)) }
func (s *several) Set(v string) error { *s = append(*s, v); return nil }

// runServe starts and installs machines over the network.
func runServe(ctx context.Context, args []string, sockets serve.Sockets, ask time.Duration, stdout, stderr io.Writer) error {
	var joins several
	var listen, addresses, key, loaders, lang string
	var handsOff bool
	f := flagSet("serve")
	f.Var(&joins, "join", "join `file` of the machines, as \"provision enrol --machines N\" writes it; may be said more than once")
	f.StringVar(&listen, "listen", "", "`address` of this machine in the network of the machines, for example 192.168.77.1 or 192.168.77.1:8080/eth0; it is never chosen for you")
	f.StringVar(&addresses, "dhcp", "", "hand out addresses of this `range`, for example 192.168.77.100-150, in a network where nobody else does")
	f.StringVar(&key, "key", "", "public `key` of who made the image: IMAGE.minisig is checked with it")
	f.StringVar(&loaders, "ipxe", "/usr/lib/ipxe", "`folder` of iPXE, as Debian's package has it")
	f.StringVar(&lang, "lang", "", "`language` of the machines' screens: fi, sv or en")
	f.BoolVar(&handsOff, "hands-off", false, "where a machine has exactly one disk that is no kiosk's, it is ERASED without asking")
	rest, help, err := parse(f, args, stdout)
	switch {
	case err != nil || help:
		return err
	case len(rest) != 1:
		return inputError{errors.New("serve: name one image: provision serve IMAGE --join FILE --listen ADDRESS")}
	}
	cards, err := serve.Cards()
	if err != nil {
		return err
	}
	o := serve.Options{Loaders: loaders, Sockets: sockets, Ask: ask, Now: time.Now,
		Say: func(format string, args ...any) { fmt.Fprintf(stdout, format+"\n", args...) }}
	if o.At, err = serve.Find(listen, cards); err != nil {
		return err
	}
	if addresses != "" {
		r, err := serve.ParseRange(addresses)
		if err != nil {
			return inputError{fmt.Errorf("serve: --dhcp: %w", err)}
		}
		if !o.At.Net.Contains(r.First) || !o.At.Net.Contains(r.Last) {
			return inputError{fmt.Errorf("serve: --dhcp: the range is not in the network %s", o.At.Net.Masked())}
		}
		o.DHCP = &r
	}
	if o.Seats, err = seats(joins, handsOff, lang); err != nil {
		return err
	}
	if o.Image, err = write.OpenImage(rest[0]); err != nil {
		return err
	}
	defer o.Image.Close()
	if key != "" {
		if err := o.Image.Verify(key); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(stderr, "The image's signature is not checked: name the key of who made it with --key.")
	}
	fmt.Fprintf(stdout, "Up to %d machines that start from the network are installed. Use a network of your own: who else is in it can read the code.\n", len(o.Seats))
	if handsOff {
		fmt.Fprintf(stdout, "CAREFUL: it ERASES the disk of every machine with one disk that starts from this network, without asking.\n")
	}
	return serve.Run(ctx, o)
}

// seats are the machines that the join files let in.
func seats(joins []string, handsOff bool, lang string) ([]serve.Seat, error) {
	if len(joins) == 0 {
		return nil, inputError{errors.New("serve: machines need a join file; make one with provision enrol --machines N, and name it with --join")}
	}
	if lang != "" && !install.Speaks(lang) {
		return nil, inputError{fmt.Errorf("serve: --lang: the installer does not speak %q", lang)}
	}
	var all []serve.Seat
	for _, path := range joins {
		join, err := enrol.ReadJoin(path)
		if err != nil {
			return nil, err
		}
		if !join.Expires.IsZero() && time.Now().After(join.Expires) {
			return nil, &disk.Problem{Exit: disk.ExitInput, Code: "code_expired", Text: "The code in " + path + " is too old.", Todo: "Make a new one with provision enrol."}
		}
		plan, err := install.Plan{Agent: join.Agent, Pin: join.Pin, Code: join.Code, Name: join.Name, Site: string(join.Site), Expires: join.Expires,
			Machines: 1, HandsOff: handsOff, Lang: lang}.Text()
		if err != nil {
			return nil, err
		}
		for range max(1, join.Machines) {
			all = append(all, serve.Seat{Name: join.Name, Plan: plan})
		}
	}
	return all, nil
}
