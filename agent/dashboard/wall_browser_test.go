package dashboard

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/internal/fleet"
)

// TestBrowserWallHoldsAll: however many machines a site has, all of them and
// when somebody helps next stand on the screen, for nobody can scroll it.
func TestBrowserWallHoldsAll(t *testing.T) {
	h := newHouse(t)
	path, ctx := h.hang("suuri"), browser(t)
	for n := 1; n <= 40; n++ {
		v := kiosk(n, "suuri", "Ensi- ja turvakotien päiväkeskus Symppis", fmt.Sprint("Kone ", n), "")
		if n%4 == 0 {
			v.Status = fleet.StatusOutOfService // the longest word
		}
		h.put(v)
		switch n {
		case 6, 9, 16, 24, 40: // as many as fit before the letters get smaller
		default:
			continue
		}
		for _, size := range [][2]int64{{1920, 1080}, {1366, 768}, {1280, 1024}} {
			do(t, ctx, chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(h.url+path))
			wait(t, ctx, 10*time.Second, fmt.Sprintf(`document.querySelectorAll(".machines li").length === %d`, n))
			over, err := chromedp.Run(ctx, chromedp.Evaluate[int](`Math.max(document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth)`))
			if err != nil || over > 0 {
				t.Errorf("%d machines on %d x %d: %d pixels are out of sight (%v)", n, size[0], size[1], over, err)
			}
		}
	}
}
