package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/enrol"
	"yhteiskone/provision/install"
	"yhteiskone/provision/write"
)

// asker puts a question to a person and returns the answer; nil if nobody is
// there to answer.
type asker func(ctx context.Context, question string) (string, error)

// writing is "provision write" with its flags.
type writing struct {
	to, join, key, serialEnd string
	dryRun, json, yes, list  bool
	install, handsOff        bool
	machine                  disk.Machine
	ask                      asker
	stdout, stderr           io.Writer
}

func runWrite(ctx context.Context, args []string, ask asker, stdout, stderr io.Writer) error {
	w := writing{ask: ask, stdout: stdout, stderr: stderr, machine: disk.This()}
	f := flag.NewFlagSet("provision write", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&w.to, "to", "", "`disk` to erase, for example /dev/sdb; it is never chosen for you")
	f.StringVar(&w.join, "join", "", "join `file` of this machine, as \"provision enrol\" writes it")
	f.StringVar(&w.key, "key", "", "public `key` of who made the image: IMAGE.minisig is checked with it before anything is erased")
	f.StringVar(&w.serialEnd, "serial-end", "", "last `letters` (4) of the disk's serial number, asked of large and built-in disks")
	f.BoolVar(&w.install, "install", false, "make an installer stick: started on a bare machine, it asks once and installs itself on the disk inside")
	f.BoolVar(&w.handsOff, "hands-off", false, "with --install: where a machine has exactly one disk, it is ERASED without asking")
	f.BoolVar(&w.yes, "yes", false, "erase without asking; a large or built-in disk needs --serial-end as well")
	f.BoolVar(&w.dryRun, "dry-run", false, "look at everything, change nothing")
	f.BoolVar(&w.list, "list", false, "list the disks and end")
	f.BoolVar(&w.json, "json", false, "one JSON object in each line, for scripts; asks nothing")
	files, help, err := parse(f, args, stdout)
	switch {
	case err != nil || help:
		return err
	case w.list && len(files) == 0:
		return w.disks()
	case len(files) != 1:
		return w.failed(inputError{errors.New("write: name one image: provision write IMAGE --to DISK")})
	}
	return w.failed(w.run(ctx, files[0]))
}

// parse reads flags that stand before, between or behind what belongs to none.
func parse(f *flag.FlagSet, args []string, stdout io.Writer) (rest []string, help bool, err error) {
	name := strings.TrimPrefix(f.Name(), "provision ")
	for len(args) > 0 {
		switch err := f.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			f.SetOutput(stdout)
			f.Usage()
			return nil, true, nil
		case err != nil:
			return nil, false, inputError{fmt.Errorf("%s: %w", name, err)}
		}
		if args = f.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	return rest, false, nil
}

// failed tells a script what main tells a person.
func (w writing) failed(err error) error {
	if err == nil || !w.json {
		return err
	}
	p := &disk.Problem{Exit: exitCode(err), Code: "failed", Text: err.Error()}
	errors.As(err, &p)
	w.event("error", p)
	return err
}

// event prints one line for scripts: the fields of what, and its kind.
func (w writing) event(kind string, what any) {
	text, err := json.Marshal(what)
	if err != nil || len(text) < 2 {
		return
	}
	sep := ","
	if string(text) == "{}" {
		sep = ""
	}
	fmt.Fprintf(w.stdout, "{\"event\":%q%s%s\n", kind, sep, text[1:])
}

// disks lists what there is.
func (w writing) disks() error {
	all, err := w.machine.List()
	if err != nil {
		return err
	}
	if w.json {
		return json.NewEncoder(w.stdout).Encode(append([]disk.Disk{}, all...))
	}
	if len(all) == 0 {
		fmt.Fprintln(w.stdout, "This machine has no disk. Plug the stick in and look again.")
	}
	for _, d := range all {
		fmt.Fprintf(w.stdout, "%s\n    holds: %s\n", d, d.Contents())
		if d.Refused != "" {
			fmt.Fprintf(w.stdout, "    cannot be erased: %s\n", d.Refused)
		}
	}
	return nil
}

func (w writing) run(ctx context.Context, path string) error {
	if w.to == "" {
		if !w.json {
			if err := w.disks(); err != nil {
				return err
			}
		}
		return inputError{errors.New("write: say with --to which disk to erase; none is chosen for you")}
	}
	image, err := write.OpenImage(path)
	if err != nil {
		return err
	}
	defer image.Close()
	files, err := w.files()
	if err != nil {
		return err
	}
	to, err := w.machine.Find(w.to)
	if err != nil {
		return err
	}
	if w.key != "" {
		if err := image.Verify(w.key); err != nil {
			return err
		}
	} else if !w.json {
		fmt.Fprintln(w.stderr, "The image's signature is not checked: name the key of who made it with --key.")
	}
	p := &progress{writing: w, now: time.Now}
	result, err := write.Run(ctx, write.Options{Image: image, Disk: to, Files: files, DryRun: w.dryRun, Machine: w.machine,
		Now: time.Now, Tell: p.tell, Confirm: func(d disk.Disk) error { return w.confirm(ctx, path, image, d) }})
	p.end()
	if err != nil {
		return err
	}
	w.done(to, result)
	return nil
}

// files are those for the partition kiosk-conf.
func (w writing) files() (map[string][]byte, error) {
	switch {
	case w.handsOff && !w.install:
		return nil, inputError{errors.New("write: --hands-off is for an installer stick; say --install as well")}
	case w.install && w.join == "":
		return nil, inputError{errors.New("write: an installer stick needs a join file; make one with provision enrol --machines N, and name it with --join")}
	case w.join == "":
		return nil, nil
	}
	join, err := enrol.ReadJoin(w.join)
	if err != nil {
		return nil, err
	}
	if !join.Expires.IsZero() && time.Now().After(join.Expires) {
		return nil, &disk.Problem{Exit: disk.ExitInput, Code: "code_expired", Text: "The code in " + w.join + " is too old.",
			Todo: "Make a new one with provision enrol."}
	}
	name := enrol.JoinName
	var text []byte
	if w.install {
		name = install.PlanName
		text, err = install.Plan{Agent: join.Agent, Pin: join.Pin, Code: join.Code, Name: join.Name, Site: string(join.Site), Expires: join.Expires,
			Machines: max(1, join.Machines), HandsOff: w.handsOff}.Text()
	} else {
		text, err = join.JSON()
	}
	if err != nil {
		return nil, err
	}
	return map[string][]byte{name: text}, nil
}

// confirm makes sure that a person means this very disk.
func (w writing) confirm(ctx context.Context, path string, image *write.Image, d disk.Disk) error {
	if w.json {
		w.event("disk", d)
	} else {
		fmt.Fprintf(w.stdout, "image   %s, %s\ndisk    %s\nholds   %s\n", path, disk.Bytes(image.Size), d, d.Contents())
	}
	want, of := d.Mark()
	kind := d.Careful()
	if w.serialEnd != "" && !d.Marked(w.serialEnd) {
		return inputError{fmt.Errorf("write: --serial-end is not the end of the %s of %s; nothing was erased. Look at the disks once more with --list", of, d.Path)}
	}
	if w.dryRun {
		if !w.json {
			fmt.Fprintf(w.stdout, "It could be written: everything on %s would be ERASED. Nothing was changed.\n", d.Path)
		}
		return nil
	}
	if !w.yes {
		if w.ask == nil || w.json {
			return inputError{fmt.Errorf("write: nobody is there to be asked; say --yes to erase everything on %s", d.Path)}
		}
		answer, err := w.ask(ctx, fmt.Sprintf("Everything on %s will be ERASED. Type erase to go on: ", d.Path))
		if err != nil {
			return err
		}
		if !strings.EqualFold(strings.TrimSpace(answer), "erase") {
			return inputError{errors.New("write: you did not type erase; nothing was erased")}
		}
	}
	if kind == "" || w.serialEnd != "" {
		return nil
	}
	if w.ask == nil || w.json || w.yes {
		return inputError{fmt.Errorf("write: %s is %s; say the last %d letters of its %s with --serial-end", d.Path, kind, len([]rune(want)), of)}
	}
	answer, err := w.ask(ctx, fmt.Sprintf("%s is %s. Look at the disk and type the last %d letters of its %s: ", d.Path, kind, len([]rune(want)), of))
	if err != nil {
		return err
	}
	if !d.Marked(answer) {
		return inputError{fmt.Errorf("write: that is not the end of its %s; nothing was erased", of)}
	}
	return nil
}

// done says what became of it.
func (w writing) done(d disk.Disk, r write.Result) {
	seconds := r.Wrote.Seconds()
	if w.json {
		if w.dryRun {
			w.event("dry_run", r)
			return
		}
		w.event("done", struct {
			write.Result
			Seconds float64 `json:"write_seconds"`
		}{r, seconds})
		return
	}
	if w.dryRun {
		return
	}
	fmt.Fprintf(w.stdout, "Written and read back: %s, sha256 %s.\n", disk.Bytes(r.Bytes), r.SHA256)
	if w.handsOff {
		fmt.Fprintln(w.stdout, "CAREFUL: it ERASES the disk of every machine with one disk that is started from it, without asking. Mark the stick.")
	}
	if w.join == "" {
		fmt.Fprintln(w.stdout, "There is no join file on it: the machine will ask for a code.")
	}
	switch {
	case r.Ejected:
		fmt.Fprintln(w.stdout, "Pull it out: it is ready.")
	case d.Removable || d.Bus == "usb":
		fmt.Fprintln(w.stdout, "It is ready. Pull it out when its light is still.")
	default:
		fmt.Fprintln(w.stdout, "It is ready.")
	}
}
