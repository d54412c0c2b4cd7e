package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Printer is a print server of the scenario's own, with one queue whose paper
// is a file. It needs no World.
type Printer struct {
	t      testing.TB
	Socket string // where it listens
	Spool  string // folder of the jobs
	Logs   string // folder of the logs
	Paper  string // what was printed last
	Queue  string
	cmd    *exec.Cmd
	done   chan struct{}
}

// printerPatience is how long the server may take for something.
const printerPatience = 30 * time.Second

// OpenPrinter starts a print server in a folder, which must be empty or not be
// there. Its rules are Debian's. A talkative one logs titles. It ends with the
// test.
func OpenPrinter(t testing.TB, dir string, talkative bool) *Printer {
	t.Helper()
	p := &Printer{t: t, Socket: filepath.Join(dir, "cups.sock"), Spool: filepath.Join(dir, "spool"), Logs: filepath.Join(dir, "log"),
		Paper: filepath.Join(dir, "paper"), Queue: "paperi", done: make(chan struct{})}
	root := filepath.Join(dir, "root")
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{root, p.Logs, filepath.Join(p.Spool, "tmp"), filepath.Join(dir, "cache"), filepath.Join(dir, "state"), bin + "/backend"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"cgi-bin", "daemon", "filter", "monitor", "notifier"} {
		if err := os.Symlink("/usr/lib/cups/"+part, bin+"/"+part); err != nil {
			t.Fatal(err)
		}
	}
	// The printer itself. It prints slowly while there is a file beside the
	// paper that says so.
	printer := fmt.Sprintf("#!/bin/sh\n[ $# = 0 ] && exit 0\nwhile [ -e %[1]q.slow ]; do sleep 0.1; done\nif [ -n \"$6\" ]; then cat -- \"$6\"; else cat; fi >%[1]q\n", p.Paper)
	if err := os.WriteFile(bin+"/backend/paper", []byte(printer), 0o700); err != nil {
		t.Fatal(err)
	}
	files := fmt.Sprintf("ServerRoot %s\nRequestRoot %s\nTempDir %s/tmp\nCacheDir %s/cache\nStateDir %s/state\nAccessLog %s/access_log\n"+
		"ErrorLog %s/error_log\nPageLog %s/page_log\nServerBin %s\n%s", root, p.Spool, p.Spool, dir, dir, p.Logs, p.Logs, p.Logs, bin, whoPrints())
	logs := "LogLevel warn\nPageLogFormat\n" // the second is Debian's: without it titles are logged
	if talkative {
		logs = "LogLevel debug\nPageLogFormat %p %u %j %{job-name}\n"
	}
	rules := "Listen " + p.Socket + "\nBrowsing Off\nWebInterface No\n" + logs +
		"<Location />\nOrder allow,deny\nAllow all\n</Location>\n<Policy default>\n" +
		// as Debian has it, except that the scenario may make and stop a queue
		"<Limit Create-Job Print-Job Print-URI Validate-Job>\nOrder deny,allow\n</Limit>\n" +
		"<Limit Cancel-Job Cancel-My-Jobs Send-Document Hold-Job Release-Job>\nRequire user @OWNER @SYSTEM\nOrder deny,allow\n</Limit>\n" +
		"<Limit Purge-Jobs Cancel-Jobs>\nAuthType Default\nRequire user @SYSTEM\nOrder deny,allow\n</Limit>\n" +
		"<Limit All>\nOrder deny,allow\n</Limit>\n</Policy>\n"
	for name, text := range map[string]string{"cups-files.conf": files, "cupsd.conf": rules, "paper.ppd": printerAbout} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.cmd = exec.Command("/usr/sbin/cupsd", "-f", "-c", filepath.Join(root, "cupsd.conf"), "-s", filepath.Join(root, "cups-files.conf"))
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start the print server (package cups-daemon): %v", err)
	}
	go func() { p.cmd.Wait(); close(p.done) }()
	t.Cleanup(p.Close)
	end := time.Now().Add(printerPatience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := p.run("lpadmin", "-p", p.Queue, "-E", "-v", "paper:/", "-P", filepath.Join(root, "paper.ppd"))
		if err == nil {
			return p
		}
		select {
		case <-p.done:
			text, _ := os.ReadFile(filepath.Join(p.Logs, "error_log"))
			t.Fatalf("the print server ended: %s", tail(string(text)))
		case <-tick.C:
		}
		if time.Now().After(end) {
			t.Fatalf("the print server does not answer: %v", err)
		}
	}
}

// printerAbout is what the printer says of itself: it takes PDF as it is.
const printerAbout = `*PPD-Adobe: "4.3"
*FormatVersion: "4.3"
*FileVersion: "1.0"
*LanguageVersion: English
*LanguageEncoding: ISOLatin1
*PCFileName: "PAPER.PPD"
*Manufacturer: "Paper"
*Product: "(Paper)"
*ModelName: "Paper"
*ShortNickName: "Paper"
*NickName: "Paper"
*PSVersion: "(3010.000) 0"
*LanguageLevel: "3"
*ColorDevice: True
*DefaultColorSpace: RGB
*FileSystem: False
*Throughput: "1"
*LandscapeOrientation: Plus90
*TTRasterizer: Type42
*cupsVersion: 2.4
*cupsFilter2: "application/pdf application/pdf 0 -"
*OpenUI *PageSize/Page Size: PickOne
*OrderDependency: 10 AnySetup *PageSize
*DefaultPageSize: A4
*PageSize A4/A4: "<</PageSize[595 842]>>setpagedevice"
*CloseUI: *PageSize
*OpenUI *PageRegion: PickOne
*OrderDependency: 10 AnySetup *PageRegion
*DefaultPageRegion: A4
*PageRegion A4/A4: "<</PageSize[595 842]>>setpagedevice"
*CloseUI: *PageRegion
*DefaultImageableArea: A4
*ImageableArea A4/A4: "0 0 595 842"
*DefaultPaperDimension: A4
*PaperDimension A4/A4: "595 842"
`

// whoPrints are the users that the server becomes for its helpers; root is not
// allowed among them.
func whoPrints() string {
	if os.Geteuid() == 0 {
		return "User lp\nGroup lp\nSystemGroup root\n"
	}
	name, group := fmt.Sprint(os.Getuid()), "nogroup"
	if u, err := user.Current(); err == nil {
		name = u.Username
		if g, err := user.LookupGroupId(u.Gid); err == nil {
			group = g.Name
		}
	}
	return fmt.Sprintf("User %s\nGroup %s\nSystemGroup daemon\n", name, group)
}

// Env is what a program needs to print there.
func (p *Printer) Env() []string { return []string{"CUPS_SERVER=" + p.Socket} }

// Close ends the server.
func (p *Printer) Close() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
}

func (p *Printer) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), printerPatience)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Env = append(os.Environ(), append(p.Env(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "LC_ALL=C")...)
	if strings.HasPrefix(args[0], "lpadmin") || strings.HasPrefix(args[0], "cups") {
		c.Path = "/usr/sbin/" + args[0]
		c.Err = nil
	}
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run %s: %w: %s", args[0], err, out)
	}
	return string(out), nil
}

// Print puts a file into the queue, as a person with that title would.
func (p *Printer) Print(title, file string) {
	p.t.Helper()
	if _, err := p.run("lp", "-d", p.Queue, "-o", "raw", "-t", title, file); err != nil {
		p.t.Fatal(err)
	}
}

// PrintAs does the same under another name.
func (p *Printer) PrintAs(user, title, file string) {
	p.t.Helper()
	if _, err := p.run("lp", "-U", user, "-d", p.Queue, "-o", "raw", "-t", title, file); err != nil {
		p.t.Fatal(err)
	}
}

// Slow makes the printer wait in the middle of a job, until the test ends.
func (p *Printer) Slow() {
	p.t.Helper()
	if err := os.WriteFile(p.Paper+".slow", nil, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { os.Remove(p.Paper + ".slow") })
}

// Stop keeps jobs in the queue; Start prints them.
func (p *Printer) Stop() {
	p.t.Helper()
	if _, err := p.run("cupsdisable", p.Queue); err != nil {
		p.t.Fatal(err)
	}
}

// Start prints what is in the queue.
func (p *Printer) Start() {
	p.t.Helper()
	if _, err := p.run("cupsenable", p.Queue); err != nil {
		p.t.Fatal(err)
	}
}

// Jobs lists all jobs that the server knows, done ones as well.
func (p *Printer) Jobs() []string {
	p.t.Helper()
	out, err := p.run("lpstat", "-W", "all", "-o")
	if err != nil {
		p.t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(out) {
		all = append(all, strings.TrimSpace(line))
	}
	return all
}
