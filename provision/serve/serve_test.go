package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/pin/tftp/v3"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/lan"
	"yhteiskone/provision/write"
	"yhteiskone/provision/write/writetest"
)

// A machine from its first question to its end; a second one; and one too many.
func TestServes(t *testing.T) {
	r := newRig(t)
	r.begin()
	if text, _ := r.get("/boot.ipxe"); !strings.HasPrefix(text, "#!ipxe\nchain ") || !strings.Contains(text, r.url+"/machine.ipxe?mac=${netX/mac:hexhyp}") {
		t.Error(text)
	}
	if text, _ := r.get("/"); !strings.Contains(text, "Valmiina 0/2") || !strings.Contains(text, "Yksikään kone") {
		t.Error(text)
	}
	if _, code := r.get("/plan?mac=52:54:00:77:00:01"); code != http.StatusForbidden {
		t.Errorf("a plan for nobody: %d", code)
	}
	text, _ := r.get("/machine.ipxe?mac=52-54-00-77-00-01&maker=HP&model=8200%20<b>")
	list, _ := r.get("/list")
	sum := sha256.Sum256([]byte(list))
	want := "kernel " + r.url + "/vmlinuz initrd=initrd.img initrd=net.img boot=kiosk kiosk.slot=A kiosk.roothash=abc kiosk.hashoffset=4096 kiosk.version=1 ro quiet kiosk.from=" +
		r.url + " kiosk.list=" + hex.EncodeToString(sum[:]) + " kiosk.net=${netX/mac},${netX/ip},${netX/netmask} "
	if !strings.Contains(text, want) {
		t.Errorf("%s\nand not\n%s", text, want)
	}
	for path, want := range map[string]string{"/vmlinuz": "kernel", "/initrd.img": "first stage", "/net.img": "network", "/plan?mac=52:54:00:77:00:01": `{"machines":1}`} {
		if text, code := r.get(path); text != want || code != http.StatusOK {
			t.Errorf("%s: %q, %d", path, text, code)
		}
	}
	r.whole(list)
	if code := r.reports(`{"mac":"52:54:00:77:00:01","step":"writing","percent":40,"disk":"1 TB WDC"}`); code != http.StatusNoContent {
		t.Error(code)
	}
	page, _ := r.get("/?lang=en")
	for _, want := range []string{"Writes to the disk", `value="40"`, "HP 8200 &lt;b&gt;", "1 TB WDC", "52:54:00:77:00:01"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %s: %s", want, page)
		}
	}
	r.reports(`{"mac":"52:54:00:77:00:01","step":"done","name":"Kone 1"}`)
	if page, _ := r.get("/?lang=sv"); !strings.Contains(page, "Färdiga 1/2") || !strings.Contains(page, "Kone 1") {
		t.Error(page)
	}
	// It restarts, and its card asks first of all.
	if text, _ := r.get("/machine.ipxe?mac=52-54-00-77-00-01"); strings.Contains(text, "kernel") || !strings.HasSuffix(text, "exit\n") {
		t.Errorf("a machine that is installed is started again: %s", text)
	}
	if _, code := r.get("/plan?mac=52:54:00:77:00:01"); code != http.StatusForbidden {
		t.Errorf("and gets a code: %d", code)
	}
	r.get("/machine.ipxe?mac=52-54-00-77-00-02")
	r.reports(`{"mac":"52:54:00:77:00:02","step":"failed","why":"<sparks>"}`)
	if page, _ := r.get("/"); !strings.Contains(page, "Epäonnistui: 1") || !strings.Contains(page, "&lt;sparks&gt;") {
		t.Error(page)
	}
	if text, _ := r.get("/machine.ipxe?mac=52-54-00-77-00-02"); !strings.Contains(text, "kernel") {
		t.Errorf("one that failed is not started again: %s", text)
	}
	if text, _ := r.get("/machine.ipxe?mac=52-54-00-77-00-03"); strings.Contains(text, "kernel") {
		t.Errorf("a machine too many: %s", text)
	}
	if code := r.reports(`{"mac":"52:54:00:77:00:03","step":"done"}`); code != http.StatusForbidden {
		t.Errorf("and it reports: %d", code)
	}
	if text, _ := r.get("/machines.json"); !strings.Contains(text, `"mac":"52:54:00:77:00:01","step":"done","name":"Kone 1"`) || strings.Count(text, `"wanted":true`) != 2 {
		t.Error(text)
	}
	if page, _ := r.get("/?lang=en"); !strings.Contains(page, "Not installed") {
		t.Error(page)
	}
}

// whole puts the image together from its pieces, and compares.
func (r *rig) whole(list string) {
	r.t.Helper()
	l, err := lan.DecodeList([]byte(list))
	if err != nil {
		r.t.Fatal(err)
	}
	text := make([]byte, l.Size)
	for i, p := range l.Pieces {
		piece, _ := r.get(fmt.Sprint("/pieces/", i))
		sum := sha256.Sum256([]byte(piece))
		if int64(len(piece)) != p.Size || hex.EncodeToString(sum[:]) != p.SHA256 {
			r.t.Fatalf("piece %d is damaged", i)
		}
		copy(text[p.At:], piece)
	}
	image, err := os.ReadFile(r.o.Image.Path)
	if err != nil {
		r.t.Fatal(err)
	}
	stretches, err := r.o.Image.Stretches()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range stretches {
		if !bytes.Equal(text[s.At:s.At+s.Size], image[s.At:s.At+s.Size]) {
			r.t.Errorf("from %d on, the pieces are not the image", s.At)
		}
	}
	for _, wrong := range []string{"/pieces/-1", "/pieces/999", "/pieces/x", "/../provision", "/machine.ipxe?mac=x", "/plan"} {
		if _, code := r.get(wrong); code < 400 {
			r.t.Errorf("%s: %d", wrong, code)
		}
	}
}

// Pages of the web, which a browser in the same network may load, get nothing
// and change nothing.
func TestPagesFromElsewhere(t *testing.T) {
	r := newRig(t)
	r.begin()
	for _, change := range []func(*http.Request){
		func(q *http.Request) { q.Host = "evil.example" },
		func(q *http.Request) { q.Header.Set("Origin", "https://evil.example") },
	} {
		q, err := http.NewRequest(http.MethodGet, r.url+"/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(q)
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Error(resp.Status)
		}
	}
}

// A network card by its own protocols: it asks, fetches iPXE, and nothing else
// is to be had by TFTP.
func TestNetworkCard(t *testing.T) {
	r := newRig(t)
	r.begin()
	c, err := net.Dial("udp4", r.s.at[binlPort].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("no request")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(ask(t, dhcpv4.MessageTypeRequest, 1, pxe(iana.EFI_X86_64)).ToBytes()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, packetLimit)
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := dhcpv4.FromBytes(buf[:n]); err != nil || a.BootFileName != uefiLoader {
		t.Errorf("%v, %v", a, err)
	}
	client, err := tftp.NewClient(r.s.at[tftpPort].String())
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(name string) (string, error) {
		from, err := client.Receive(name, "octet")
		if err != nil {
			return "", err
		}
		var text bytes.Buffer
		_, err = from.WriteTo(&text)
		return text.String(), err
	}
	for _, name := range []string{biosLoader, "/" + uefiLoader} {
		if text, err := fetch(name); err != nil || text != "iPXE "+strings.TrimPrefix(name, "/") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for _, name := range []string{"../../../../etc/passwd", "/etc/passwd", ""} {
		if text, err := fetch(name); err == nil {
			t.Errorf("%s is handed out: %q", name, text)
		}
	}
}

// What does not do is said before anything is answered.
func TestDoesNotServe(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*rig)
		code  string
		exit  int
	}{
		"another DHCP server": {func(r *rig) { r.s.other, r.o.DHCP, r.o.Ask = true, &Range{}, 20*time.Second }, "other_dhcp", disk.ExitNotNow},
		"no iPXE":             {func(r *rig) { r.o.Loaders = t.TempDir() }, "no_ipxe", disk.ExitInput},
		"no right":            {func(r *rig) { r.s.taken[dhcpPort] = os.NewSyscallError("bind", syscall.EACCES) }, "no_right", disk.ExitInput},
		"in use":              {func(r *rig) { r.s.taken[tftpPort] = os.NewSyscallError("bind", syscall.EADDRINUSE) }, "in_use", disk.ExitNotNow},
		"an older image":      {func(r *rig) { r.o.Image = opened(t, writetest.Image(t, writetest.Parts())) }, "no_net_image", disk.ExitInput},
		"without a net stage": {func(r *rig) {
			files := writetest.Start()
			delete(files, "EFI/kiosk/net.img")
			r.o.Image = opened(t, writetest.Startable(t, files))
		}, "no_net_image", disk.ExitInput},
	} {
		r := newRig(t)
		c.spoil(r)
		err := Run(t.Context(), r.o)
		var p *disk.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Exit != c.exit {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Beside another server, without addresses of its own, it serves.
	r := newRig(t)
	r.s.other, r.o.Ask = true, 20*time.Second
	r.begin()
	if !strings.Contains(r.log.String(), "Addresses come from 127.0.0.1") {
		t.Error(r.log.String())
	}
}

func opened(t *testing.T, path string) *write.Image {
	t.Helper()
	image, err := write.OpenImage(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { image.Close() })
	return image
}

func TestPlace(t *testing.T) {
	cards := []Card{{"lo", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}}, {"eth0", []netip.Prefix{netip.MustParsePrefix("192.168.77.1/24")}}, {"eth1", nil}}
	for text, want := range map[string]string{
		"192.168.77.1": "192.168.77.1:8080 192.168.77.1/24 eth0", "192.168.77.1/eth0": "192.168.77.1:8080 192.168.77.1/24 eth0", "192.168.77.1:80/eth0": "192.168.77.1:80 192.168.77.1/24 eth0",
		"": "", "192.168.77.2": "", "0.0.0.0": "", ":8080": "", "192.168.77.1/eth1": "", "192.168.77.1:0": "", "fe80::1": "", "192.168.77.1/24": "", "eth0": "",
	} {
		p, err := Find(text, cards)
		got := fmt.Sprint(p.At, p.Net, p.Card)
		if want != "" && (err != nil || fmt.Sprintf("%s %s %s", p.At, p.Net, p.Card) != want) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
		if want == "" && (err == nil || !strings.Contains(err.Error(), "192.168.77.1/eth0")) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestWordsAreComplete(t *testing.T) {
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range languages() {
		for _, step := range lan.Steps() {
			if p.words[lang]["step_"+step] == "" {
				t.Errorf("%s has no word for %s", lang, step)
			}
		}
		for key := range p.words["fi"] {
			if p.words[lang][key] == "" {
				t.Errorf("%s has no %s", lang, key)
			}
		}
		if len(p.words[lang]) != len(p.words["fi"]) {
			t.Errorf("%s says more than fi", lang)
		}
	}
	now := time.Unix(10_000, 0)
	text, err := p.draw("", "xx, en-GB;q=0.8", []machine{{Report: lan.Report{MAC: "m", Step: lan.Writing}, seat: 1, last: now.Add(-7 * time.Minute)}}, 1, now)
	if err != nil || !strings.Contains(string(text), "Nothing was heard of it for 7 minutes") {
		t.Errorf("%s, %v", text, err)
	}
}

// What GRUB's file of the image says today can be handed out, and names nothing
// that only GRUB knows.
func TestTheImagesOwnLine(t *testing.T) {
	text, err := os.ReadFile("../image/grub.cfg.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	line, err := kernelLine(strings.ReplaceAll(string(text), "{{.Parameters}}", "ro quiet"), "set roothash=abc\nset hashoffset=4096\nset version=1\n")
	if want := "boot=kiosk kiosk.slot=A kiosk.roothash=abc kiosk.hashoffset=4096 kiosk.version=1 ro quiet"; err != nil || line != want {
		t.Errorf("%q, %v", line, err)
	}
}
