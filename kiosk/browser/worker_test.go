package browser_test

import (
	"context"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/internal/e2e/slow"
)

// aroundWorker is a browser of names only: it hears what the extension asks of
// it, and lets a test say what happened when.
const aroundWorker = `
const heard = {}, went = [];
const on = name => ({ addListener: f => { heard[name] = f; } });
let say;
const words = new Promise(done => { say = () => done({ pages: 'http://127.0.0.1:1', list: false, contrast: false, sizes: [100] }); });
const chrome = {
  webNavigation: { onBeforeNavigate: on('before'), onErrorOccurred: on('error'), onCommitted: on('committed'), getFrame: async () => null },
  tabs: { onRemoved: on('removed'), query: async () => [], reload: async () => {}, getZoom: async () => 1, setZoom: async () => {},
    update: async (tab, { url }) => { went.push(tab + ' ' + url); } },
  runtime: { onInstalled: on('installed') },
  storage: { managed: { get: () => words, onChanged: on('changed') } },
};
const begins = (tab, at, frame = 0) => heard.before({ tabId: tab, frameId: frame, timeStamp: at });
const fails = (tab, at, url, error = 'net::ERR_BLOCKED_BY_ADMINISTRATOR', frame = 0) =>
  heard.error({ tabId: tab, frameId: frame, timeStamp: at, url, error });
`

// What the extension does when a page is blocked, in an order of things that no
// hand is quick enough for.
func TestBrowserWorker(t *testing.T) {
	needUser(t)
	worker, err := os.ReadFile("extension/worker.js")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), chromedp.DefaultExecAllocatorOptions[:]...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // the first one's context is the browser's
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		happens string
		goes    []string
	}{
		"a blocked page gives way to ours": {`
			begins(1, 10); const a = fails(1, 11, 'https://kasino.example/x?y'); say(); await a`,
			[]string{"1 http://127.0.0.1:1/blocked#kasino.example"}},
		"what is asked for meanwhile stays": {`
			begins(1, 10); const a = fails(1, 11, 'https://kasino.example/'); begins(1, 12); say(); await a`, nil},
		"another tab's page does not count": {`
			begins(1, 10); const a = fails(1, 11, 'https://kasino.example/'); begins(2, 12); say(); await a`,
			[]string{"1 http://127.0.0.1:1/blocked#kasino.example"}},
		"nor does a frame": {`
			begins(1, 10); const a = fails(1, 11, 'https://kasino.example/'); begins(1, 12, 7); say(); await a`,
			[]string{"1 http://127.0.0.1:1/blocked#kasino.example"}},
		"a blocked frame leaves its page alone": {`
			begins(1, 10); say(); await fails(1, 11, 'https://kasino.example/', undefined, 7)`, nil},
		"other errors are Chromium's": {`
			begins(1, 10); say(); await fails(1, 11, 'https://kasino.example/', 'net::ERR_NAME_NOT_RESOLVED')`, nil},
		"an old link is tried safely, once": {`
			say(); begins(1, 10); await fails(1, 11, 'http://kasino.example/'); begins(1, 12); await fails(1, 13, 'https://kasino.example/')`,
			[]string{"1 https://kasino.example/", "1 http://127.0.0.1:1/blocked?steps=3#kasino.example"}},
		"a closed tab is forgotten": {`
			say(); begins(1, 10); await fails(1, 11, 'http://kasino.example/'); heard.removed(1); await fails(1, 13, 'https://kasino.example/')`,
			[]string{"1 https://kasino.example/", "1 http://127.0.0.1:1/blocked#kasino.example"}},
		"a page without a host names none": {`
			say(); begins(1, 10); await fails(1, 11, 'chrome://settings/')`,
			[]string{"1 http://127.0.0.1:1/blocked#"}},
	} {
		t.Run(name, func(t *testing.T) {
			js := "(async () => {" + aroundWorker + string(worker) + "\n" + c.happens + "\nreturn went; })()"
			limited, cancel := context.WithTimeout(ctx, slow.Stretch(20*time.Second))
			defer cancel()
			went, err := chromedp.Run(limited, chromedp.Evaluate[[]string](js, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			if len(went)+len(c.goes) > 0 && !reflect.DeepEqual(went, c.goes) {
				t.Errorf("the browser goes to %q, want %q", went, c.goes)
			}
		})
	}
}
