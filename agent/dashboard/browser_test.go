package dashboard

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/e2e/slow"
)

// browserUser is who runs the browser when the test runs as root, because a
// browser never does.
const browserUser = "yhteiskone"

// browser starts a Chromium without a screen, with its own sandbox on, and
// returns a context with one tab. Accepted languages are Finnish.
func browser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("Chromium is not installed: apt-get install chromium")
	}
	home, err := os.MkdirTemp("", "dashboard-browser-") // t.TempDir would be inside a folder of root
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		u, err := user.Lookup(browserUser)
		if err != nil {
			t.Skipf("root runs no browser, and there is no user %s: useradd --create-home %s", browserUser, browserUser)
		}
		uid, gid := must(strconv.Atoi(u.Uid)), must(strconv.Atoi(u.Gid))
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(home, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless,
		chromedp.UserDataDir(filepath.Join(home, "profile")), chromedp.Env("HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home),
		chromedp.Flag("lang", "fi"), chromedp.Flag("accept-lang", "fi"), chromedp.Flag("disable-gpu", true), chromedp.WindowSize(1366, 960),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			// chromedp takes the sandbox away when it finds itself to be root;
			// it does not know that the browser will not be.
			cmd.Args = slices.DeleteFunc(cmd.Args, func(a string) bool { return strings.HasSuffix(a, "-sandbox") })
			cmd.SysProcAttr, cmd.Dir = attr, home
		}),
	}, flags...)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// do runs steps in the tab, all of them within some seconds.
func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, slow.Stretch(20*time.Second))
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// follow presses something that leads to another page, and waits for it.
func follow(t *testing.T, ctx context.Context, step chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, slow.Stretch(20*time.Second))
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, step); err != nil {
		t.Fatal(err)
	}
}

// wait waits until an expression is true in the tab, and returns how long that
// took.
func wait(t *testing.T, ctx context.Context, limit time.Duration, expression string) time.Duration {
	t.Helper()
	began := time.Now()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for range again.C {
		// A page that is just being left has no answer; the next one will.
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if took := time.Since(began); ok {
			return took
		} else if took > limit {
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			t.Fatalf("waited %v for %s (%v); the page says:\n%s", took, expression, err, text)
		}
	}
	return 0
}

// enter signs the browser in with a fresh account.
func (h *house) enter(ctx context.Context, name string, role staff.Role) {
	h.t.Helper()
	i, err := h.staff.Invite(staff.Console, staff.Newcomer{Name: name, Grants: staff.At(role)})
	if err != nil {
		h.t.Fatal(err)
	}
	do(h.t, ctx, chromedp.Navigate(h.url+"/?"+url.Values{"lang": {"fi"}}.Encode()),
		chromedp.Click(chromedp.CSS("#first summary")),
		chromedp.SendKeys(chromedp.CSS("#first-name"), name), chromedp.SendKeys(chromedp.CSS("#code"), i.Code),
		chromedp.SendKeys(chromedp.CSS("#new"), password), chromedp.SendKeys(chromedp.CSS("#again"), password))
	follow(h.t, ctx, chromedp.Click(chromedp.CSS("#first-go")))
}
