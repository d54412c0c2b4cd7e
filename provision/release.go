package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/release"
	"yhteiskone/provision/enrol"
	"yhteiskone/provision/publish"
)

// runImage is what is done with a release of the image: the folder that a build
// leaves beside it.
func runImage(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return inputError{errors.New("image: say build, or sign, verify, show or publish and the release's folder")}
	}
	name, rest := args[0], args[1:]
	if name == "build" {
		return runImageBuild(ctx, rest, stdout, stderr)
	}
	f := flag.NewFlagSet("provision image "+name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	var do func(dir string) error
	switch name {
	case "sign":
		key := f.String("key", "", "the secret key's `file`")
		least := f.String("min-version", "", "the oldest `version` that may go to this one in one step")
		do = func(dir string) error { return signRelease(dir, *key, *least, stdout) }
	case "verify":
		pub := f.String("pub", "", "the public key's `file`")
		do = func(dir string) error { return verifyRelease(dir, *pub, stdout) }
	case "show":
		asJSON := f.Bool("json", false, "for programs")
		packages := f.Bool("packages", false, "list every package")
		do = func(dir string) error { return showRelease(dir, *asJSON, *packages, stdout) }
	case "publish":
		agent := f.String("agent", "", "`address` of the agent, for example https://agent.example.org:8443")
		pin := f.String("pin", "", "the agent's `pin`, as \"agent enrol\" and its dashboard show it")
		token := f.String("token", env("YHTEISKONE_TOKEN"), "`token` of a technician at every site; better in the environment as YHTEISKONE_TOKEN")
		do = func(dir string) error { return publishRelease(ctx, dir, *agent, *pin, *token, stdout) }
	default:
		return inputError{fmt.Errorf("image: there is no %q; say build, sign, verify, show or publish", name)}
	}
	dir, err := oneFolder(f, rest, stdout)
	if err != nil || dir == "" {
		return err
	}
	return do(dir)
}

// oneFolder reads the flags, before and behind the one name. It is empty if
// only help was asked for.
func oneFolder(f *flag.FlagSet, args []string, stdout io.Writer) (dir string, err error) {
	for {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(stdout)
			f.Usage()
			return "", nil
		}
		if err != nil {
			return "", inputError{fmt.Errorf("%s: %w", f.Name(), err)}
		}
		if f.NArg() == 0 {
			break
		}
		if dir != "" {
			return "", inputError{fmt.Errorf("%s: %q is one name too many", f.Name(), f.Arg(0))}
		}
		dir, args = f.Arg(0), f.Args()[1:]
	}
	if dir == "" {
		return "", inputError{fmt.Errorf("%s: say which folder the release is in", f.Name())}
	}
	return dir, nil
}

// readRelease reads a release's manifest; what is wrong with it is wrong input.
func readRelease(dir string) (release.Signed, error) {
	s, err := release.Read(dir)
	if err != nil {
		return s, inputError{fmt.Errorf("read the release: %w", err)}
	}
	return s, nil
}

// signRelease signs the manifest of a folder, and makes it first if the build
// did not. A manifest that is there must fit the files.
func signRelease(dir, keyFile, least string, stdout io.Writer) error {
	if keyFile == "" {
		return inputError{errors.New("image sign: --key is missing; provision key new makes one")}
	}
	key, err := readSecret(keyFile)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, release.ManifestName)
	_, err = os.Stat(path)
	made := errors.Is(err, fs.ErrNotExist)
	var s release.Signed
	if made || least != "" {
		if s.Manifest, err = release.Describe(dir, least); err == nil {
			s.Text, err = s.Manifest.Encode()
		}
	} else if s, err = release.Read(dir); err == nil {
		err = release.CheckFiles(dir, s.Manifest)
	}
	if err != nil {
		return inputError{fmt.Errorf("image sign: %w", err)}
	}
	if s.Signature, err = key.Sign(s.Text, "yhteiskone "+s.Version); err != nil {
		return err
	}
	// A manifest is never beside the signature of another: first the old one goes.
	if err := os.Remove(filepath.Join(dir, release.SignatureName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("image sign: %w", err)
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{release.ManifestName, s.Text}, {release.SignatureName, s.Signature}} {
		if err := renameio.WriteFile(filepath.Join(dir, f.name), f.text, 0o644, renameio.WithTempDir(dir)); err != nil {
			return fmt.Errorf("image sign: %w", err)
		}
	}
	fmt.Fprintf(stdout, "%s is signed as version %s with the key %s.\nwords  %s\n", dir, s.Version, key.Public().ID(), s.Words())
	return nil
}

// checked reads a release and makes sure of signature and files.
func checked(dir string, pub release.PublicKey) (release.Signed, error) {
	s, err := readRelease(dir)
	if err != nil {
		return s, err
	}
	if s.Signature == nil {
		return s, fmt.Errorf("%s is not signed; say provision image sign", dir)
	}
	if _, err := pub.Verify(s.Text, s.Signature); err != nil {
		return s, fmt.Errorf("%s: %w", dir, err)
	}
	return s, release.CheckFiles(dir, s.Manifest)
}

func verifyRelease(dir, pubFile string, stdout io.Writer) error {
	if pubFile == "" {
		return inputError{errors.New("image verify: --pub is missing; it is the file beside the secret key, and /etc/yhteiskone/release.pub in the image")}
	}
	pub, err := readPublic(pubFile)
	if err != nil {
		return err
	}
	s, err := checked(dir, pub)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is version %s, signed with the key %s, and every file is as it was signed.\nwords  %s\n",
		dir, s.Version, pub.ID(), s.Words())
	return nil
}

// publishRelease brings a release to an agent, once it is what its manifest
// says.
func publishRelease(ctx context.Context, dir, agent, pin, token string, stdout io.Writer) error {
	s, err := readRelease(dir)
	if err != nil {
		return err
	}
	if s.Signature == nil {
		return inputError{fmt.Errorf("%s is not signed; say provision image sign", dir)}
	}
	if err := release.CheckFiles(dir, s.Manifest); err != nil {
		return inputError{err}
	}
	client, base, err := enrol.Reach(agent, pin, token)
	if err != nil {
		return err
	}
	tenth := int64(0)
	_, err = publish.Run(ctx, publish.Agent{Client: client, Base: base, Token: token}, dir, func(done, all int64) {
		if now := done * 10 / all; now > tenth {
			tenth = now
			fmt.Fprintf(stdout, "%3d %%\n", 10*now)
		}
	})
	if errors.Is(err, publish.ErrNotNow) {
		return notNowError{err}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "version %s is at %s; no kiosk has been offered it yet.\nwords  %s\n", s.Version, base, s.Words())
	return nil
}

// shown is what image show says.
type shown struct {
	Version    string   `json:"version"`
	MinVersion string   `json:"min_version,omitempty"`
	RootHash   string   `json:"roothash"`
	Size       int64    `json:"size"`
	Manifest   string   `json:"manifest_sha256"`
	Words      string   `json:"words"`
	Signed     bool     `json:"signed"`
	Packages   []string `json:"packages,omitempty"`
}

func showRelease(dir string, asJSON, list bool, stdout io.Writer) error {
	s, err := readRelease(dir)
	if err != nil {
		return err
	}
	packages, err := packagesOf(dir)
	if err != nil {
		return err
	}
	all := shown{s.Version, s.MinVersion, s.RootHash, s.Size(), s.Sum(), s.Words(), s.Signature != nil, packages}
	if asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	fmt.Fprintf(stdout, "version    %s\nfrom       %s\nwords      %s\nmanifest   %s\nroothash   %s\nsize       %d MB\npackages   %s\nsigned     %s\n",
		all.Version, or(all.MinVersion, "any version"), all.Words, all.Manifest, all.RootHash, (all.Size+500_000)/1_000_000,
		counted(packages), map[bool]string{true: "yes; image verify says whether rightly", false: "no"}[all.Signed])
	if list {
		for _, p := range packages {
			fmt.Fprintln(stdout, p)
		}
	}
	return nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func counted(packages []string) string {
	if packages == nil {
		return "not known: there is no .packages file in the folder or beside it"
	}
	return fmt.Sprint(len(packages))
}

// packagesOf reads the list that a build leaves in the folder or beside it; nil
// if there is none.
func packagesOf(dir string) (all []string, err error) {
	for _, at := range []string{"*.packages", "../*.packages"} {
		found, err := filepath.Glob(filepath.Join(dir, at))
		if err != nil || len(found) == 0 {
			continue
		}
		text, err := os.ReadFile(found[len(found)-1])
		if err != nil {
			return nil, fmt.Errorf("image show: %w", err)
		}
		all = []string{}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				all = append(all, string(bytes.ReplaceAll(line, []byte("\t"), []byte(" "))))
			}
		}
		return all, nil
	}
	return nil, nil
}
