// Command pictures makes the pictures of README.md from the running product:
// the dashboard with a believable day, the kiosk's welcome page, a session.
//
// It is run by hand when the look has changed (make pictures), and writes into
// its own folder. Nothing in the pictures is drawn or retouched; the service in
// the session is a page of its own, so that no real one stands in our tree.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"yhteiskone/internal/dev/guest"
	"yhteiskone/internal/dev/stage"
)

// folder is where the pictures are kept.
const folder = "internal/dev/pictures"

// A believable day takes a while to show: sessions begin, somebody calls.
const (
	kiosks  = 12
	day     = 40 * time.Second
	reading = 3 * time.Second
)

// service is the page of the pictured session.
const service = `<!doctype html><html lang="fi"><meta charset="utf-8"><title>Asumistuki – esimerkkipalvelu</title>
<style>body{font:18px/1.5 "Noto Sans",sans-serif;margin:0;color:#16202c;background:#fff}header{background:#003580;color:#fff;padding:18px 60px;font-size:24px}
main{margin:34px 60px;max-width:760px}label{display:block;margin:18px 0 4px}input{font:inherit;padding:10px;width:420px;border:2px solid #4a5563;border-radius:6px}
button{font:inherit;margin-top:26px;padding:12px 26px;border:0;border-radius:6px;background:#003580;color:#fff}</style>
<header>Esimerkkipalvelu</header><main><h1>Hakemus: asumistuki</h1><p>Vaihe 2/4. Kerro asunnostasi. Liitä mukaan tiliote.</p>
<label>Vuokra kuukaudessa</label><input value="640 €"><label>Tiliote (PDF)</label><input value="tiliote-lokakuu.pdf"><br><button>Seuraava</button></main>`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	who, err := guest.Find()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("/var/tmp", "yhteiskone-pictures.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	s, err := stage.Open(who, filepath.Join(dir, "stage"), false, os.Stderr)
	if err != nil {
		return err
	}
	defer s.End()
	// without TLS, so that the browser that takes the picture needs no roots
	agent, err := s.StartAgent(ctx, true)
	if err != nil {
		return err
	}
	if err := kiosk(ctx, s); err != nil {
		return err
	}
	return dashboard(ctx, s, agent)
}

// kiosk takes the pictures of a real kiosk and leaves it running.
func kiosk(ctx context.Context, s *stage.Stage) error {
	page, err := serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, service)
	}))
	if err != nil {
		return err
	}
	defer page.Close()
	// the built-in catalogue, with one tile that leads to our page
	tiles, err := os.ReadFile("kiosk/catalogue/default.toml")
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(page.Addr)
	if err != nil {
		return err
	}
	ours := strings.Replace(string(tiles), "https://www.kela.fi/asiointi", "http://palvelu.localhost:"+port+"/", 1)
	if err := s.Who.WriteFile(s.File("catalogue.toml"), []byte(ours)); err != nil {
		return err
	}
	screen, err := s.OpenScreen(ctx, false)
	if err != nil {
		return err
	}
	if err := s.Enrol(ctx); err != nil {
		return err
	}
	if _, err := s.StartKiosk(ctx, stage.Kiosk{Screen: screen, Catalogue: s.File("catalogue.toml"), Reach: page.Addr}); err != nil {
		return err
	}
	if err := wait(ctx, reading); err != nil { // it is drawn a moment after it is ready
		return err
	}
	if err := take(ctx, screen, "welcome.png"); err != nil {
		return err
	}
	if _, err := s.Do(ctx, nil, "kiosk", "start", "--tile", "kela", "--config", s.Config()); err != nil {
		return err
	}
	if err := wait(ctx, reading); err != nil {
		return err
	}
	return take(ctx, screen, "session.png")
}

// take takes a picture of the whole screen.
func take(ctx context.Context, screen *stage.Screen, name string) error {
	cmd := exec.CommandContext(ctx, "import", "-window", "root", "-colors", "255", "png8:"+filepath.Join(folder, name))
	cmd.Env = append(os.Environ(), screen.Environ()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("take %s: %w: %s", name, err, out)
	}
	return nil
}

// dashboard lets simulated kiosks have a part of a day and takes the picture
// that somebody who signed in sees.
func dashboard(ctx context.Context, s *stage.Stage, agent *stage.Agent) error {
	name, code, err := s.AddPerson(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Start("simulate", nil, "agent", "simulate", "--data", s.File("agent"), "--kiosks", fmt.Sprint(kiosks-1), "--sites", "3"); err != nil {
		return err
	}
	signedIn, err := proxy(ctx, agent.Base, name, code)
	if err != nil {
		return err
	}
	defer signedIn.Close()
	if err := wait(ctx, day); err != nil {
		return err
	}
	picture := s.File("home/dashboard.png")
	cmd := s.Who.Command(ctx, s.Environ(), "/usr/lib/chromium/chromium", "--headless", "--hide-scrollbars",
		"--user-data-dir="+s.File("home/pictures"), "--window-size=1366,1180", "--screenshot="+picture, "http://"+signedIn.Addr+"/")
	cmd.Dir = s.File("home")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("take the dashboard: %w: %s", err, out)
	}
	if out, err := exec.CommandContext(ctx, "convert", picture, "-colors", "255", "png8:"+filepath.Join(folder, "dashboard.png")).CombinedOutput(); err != nil {
		return fmt.Errorf("keep the dashboard: %w: %s", err, out)
	}
	return nil
}

// proxy signs in with the one-time code, and shows the agent's pages to whoever
// asks on loopback as they are for the one who signed in.
func proxy(ctx context.Context, base, name, code string) (*http.Server, error) {
	target, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	password := "kuvat ovat aitoja " + code
	form := url.Values{"way": {"code"}, "name": {name}, "code": {code}, "new": {password}, "again": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	answer.Body.Close()
	cookies := jar.Cookies(target)
	if answer.StatusCode != http.StatusOK || len(cookies) == 0 {
		return nil, fmt.Errorf("sign in: the agent answered %s", answer.Status)
	}
	return serve(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = target.Host
		r.Out.Header.Del("Cookie")
		r.Out.Header.Set("Accept-Language", "fi")
		for _, c := range cookies {
			r.Out.AddCookie(c)
		}
	}, FlushInterval: -1})
}

// serve serves on loopback; Addr is where.
func serve(h http.Handler) (*http.Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Addr: l.Addr().String(), Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(l)
	return server, nil
}

// wait lets time pass that somebody in the picture needs.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
