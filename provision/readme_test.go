package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"yhteiskone/internal/release"
	"yhteiskone/provision/write/writetest"
)

// commands are the command lines of a page: what is set in by four more
// blanks than the text.
func commands(t *testing.T, page string) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(text)) {
		command := strings.TrimPrefix(strings.TrimSpace(l), "sudo ")
		if !strings.HasPrefix(l, "    ") || !strings.HasPrefix(command, "provision ") {
			continue
		}
		var words []string
		for i, piece := range strings.Split(command, `"`) {
			if i%2 == 1 {
				words = append(words, piece)
			} else {
				words = append(words, strings.Fields(piece)...)
			}
		}
		all = append(all, words[1:])
	}
	return all
}

// Every command of the guide and of the card does what it says, in the order
// in which it stands there.
func TestGuides(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	private := release.NewKey()
	signature, err := private.Sign(text, "yhteiskone")
	if err != nil {
		t.Fatal(err)
	}
	key := private.Public().Encode()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zst := e.EncodeAll(text, nil)
	for page, least := range map[string]int{"README.md": 12, "KORTTI.md": 5} {
		all := commands(t, page)
		if len(all) < least {
			t.Errorf("%s: only %d commands were found", page, len(all))
		}
		a, disk := newAgent(t), stick(t, 64<<20)
		dir := t.TempDir()
		for name, text := range map[string][]byte{"yhteiskone-1.img": text, "yhteiskone-1.img.minisig": signature, "release.pub": key, "yhteiskone-1.img.zst": zst,
			"koneet.csv": []byte("\xef\xbb\xbfsite;name;place;notes\r\nillusia;Kone 1;aula;\r\n")} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		env := map[string]string{"YHTEISKONE_AGENT": a.url, "YHTEISKONE_PIN": string(a.identity.Pin()), "YHTEISKONE_TOKEN": "t0ken"}
		t.Run(page, func(t *testing.T) {
			t.Chdir(dir)
			for _, args := range all {
				args := append([]string(nil), args...)
				for i, word := range args {
					if word == "/dev/sdb" {
						args[i] = disk
					}
				}
				var out, errOut bytes.Buffer
				var asked []string
				if args[0] == "serve" {
					if err := servedFor(t, private, args[1:]); err != nil {
						t.Errorf("provision %s: %v", strings.Join(args, " "), err)
					}
					continue
				}
				err := run(t.Context(), args, func(name string) string { return env[name] }, &out, &errOut)
				if args[0] == "write" && err != nil {
					out.Reset()
					err = runWrite(t.Context(), args[1:], typing(t, &asked, "erase"), &out, &errOut)
				}
				if err != nil || out.Len() == 0 {
					t.Errorf("provision %s: %v", strings.Join(args, " "), err)
				}
			}
		})
	}
}

// The shell finishes commands and flags, those of other commands too.
func TestCompletion(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	said, code, err := provision(t, "completion", "bash")
	if code != 0 {
		t.Fatal(err)
	}
	if _, code, _ := provision(t, "completion", "fish"); code != 2 {
		t.Errorf("exit %d", code)
	}
	help, _, _ := provision(t, "help")
	flags, _, _ := provision(t, "write", "-h")
	dir := t.TempDir()
	for name, text := range map[string]string{"completion": said, "help": help, "write": flags,
		"provision": "#!/bin/sh\ncat " + dir + "/$1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for words, want := range map[string]string{"provision wr": "write", "provision write --ser": "--serial-end", "provision enrol rev": "revoke", "provision write x --to": "--to"} {
		n := len(strings.Fields(words)) - 1
		script := "source " + dir + "/completion; COMP_WORDS=(" + words + "); COMP_CWORD=" + string(rune('0'+n)) + "; _provision; echo \"${COMPREPLY[*]}\""
		cmd := exec.Command(shell, "-c", script)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: %s, %v", words, out, err)
		}
	}
}

// The guide names every code that a script can meet.
func TestGuideNamesEveryCode(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob("*.go")
	found := 0
	for _, path := range append(sources, more...) {
		source, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, l := range strings.Split(string(source), "\n") {
			for _, mark := range []string{`Code: "`, `p.Code, p.Text, p.Todo = "`, `p.Exit, p.Code, p.Text, p.Todo = disk.ExitNotNow, "`, `p.Exit, p.Code, p.Text, p.Todo = disk.ExitInput, "`, `&Problem{ExitInput, "`} {
				if _, after, ok := strings.Cut(l, mark); ok {
					code, _, _ := strings.Cut(after, `"`)
					found++
					if !strings.Contains(string(text), "`"+code+"`") {
						t.Errorf("%s: README.md does not name the code %s", path, code)
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d codes were found", found)
	}
}
