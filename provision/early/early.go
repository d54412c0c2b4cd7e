// Package early is what a machine does in its first stage when it was started
// over the network: it takes its address, fetches the image's contents into
// memory, compares every piece with the list that its kernel was started with,
// and makes a disk of them that the rest of the start, and the installer, take
// for the stick.
//
// It never looks at a disk of the machine, and writes to none.
//
// Caveats: the network card keeps the address that its firmware got only while
// this runs; afterwards the system asks for its own. It fits no network in which
// the server is behind a router.
package early

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"yhteiskone/provision/lan"
)

// Host is what of the machine is changed. Each is undone by the next start.
type Host interface {
	// Up gives the card its address; it waits for a card that comes late.
	Up(ctx context.Context, l lan.Line) error
	// Down leaves the card as the system wants to find it.
	Down(l lan.Line) error
	// Memory makes a folder whose files lie in memory, bounded.
	Memory(folder string, bytes int64) error
	// Disk makes a disk of a file, with partitions.
	Disk(ctx context.Context, path string) error
}

// Options say where everything is. All must be set.
type Options struct {
	Line    lan.Line
	Root    string // "/", or a folder that stands for it
	Owner   int    // number of the user that the kiosk and the installer run as
	Host    Host
	Client  *http.Client
	Tell    func(lan.Report)
	Say     func(string) // to a person before the screen
	Patient time.Duration
}

// Where things are in the running system.
const (
	folder = "run/kiosk-net"
	// Disk is what the machine runs from afterwards.
	Disk = "/dev/loop0"
	// Conf and State stand for the partitions kiosk-conf and kiosk-data of a stick.
	Conf  = "/" + folder + "/conf"
	State = "/" + folder + "/state"
)

// PlanPath is where a machine asks the server what it may do.
const PlanPath = "/plan"

// spare is what the system and the installer need beside the image in memory.
const spare = 400 << 20

// ErrMemory is a machine in which the image does not fit.
var ErrMemory = errors.New("this machine has too little memory to be installed over the network")

// Run does it.
func Run(ctx context.Context, o Options) error {
	o.Say("Yhteiskone: haetaan asennusta verkosta... / hämtar installationen... / fetching the installation...")
	if err := o.Host.Up(ctx, o.Line); err != nil {
		return err
	}
	o.Tell(lan.Report{Step: lan.Fetching})
	list, err := o.list(ctx)
	if err != nil {
		return err
	}
	have, err := o.available()
	if err != nil {
		return err
	}
	if need := list.Total() + spare; have < need {
		return fmt.Errorf("%w: it has %d MB free and needs %d MB. Use the installer stick", ErrMemory, have>>20, need>>20)
	}
	at := filepath.Join(o.Root, folder)
	if err := o.Host.Memory(at, list.Total()+64<<20); err != nil {
		return err
	}
	image := filepath.Join(at, "disk")
	if err := o.fetch(ctx, list, image); err != nil {
		return err
	}
	plan, err := o.get(ctx, PlanPath+"?mac="+o.Line.MAC, lan.ReportLimit)
	if err != nil {
		return err
	}
	if err := o.place(plan); err != nil {
		return err
	}
	if err := o.Host.Disk(ctx, image); err != nil {
		return err
	}
	o.Tell(lan.Report{Step: lan.Beginning})
	return nil
}

// list fetches what there is, and waits for a network that comes up late.
func (o Options) list(ctx context.Context) (lan.List, error) {
	end := time.NewTimer(o.Patient)
	defer end.Stop()
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	for {
		text, err := o.get(ctx, "/list", lan.ListLimit)
		if err == nil {
			if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != o.Line.List {
				return lan.List{}, errors.New("the list of the image is not the one that this start was for: start the machine again")
			}
			return lan.DecodeList(text)
		}
		select {
		case <-tick.C:
		case <-end.C:
			return lan.List{}, fmt.Errorf("%s cannot be reached: look after the cable: %w", o.Line.From, err)
		case <-ctx.Done():
			return lan.List{}, ctx.Err()
		}
	}
}

func (o Options) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.Line.From+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := o.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server says: %s", lan.Plain(string(text)))
	}
	if int64(len(text)) > limit {
		return nil, errors.New("the server says too much")
	}
	return text, nil
}

// tries is how often a piece is fetched that did not arrive as it should.
const tries = 4

// fetch puts the image together.
func (o Options) fetch(ctx context.Context, list lan.List, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(list.Size); err != nil {
		return err
	}
	var done int64
	said := -1
	for i, p := range list.Pieces {
		if err := o.piece(ctx, f, i, p); err != nil {
			return err
		}
		done += p.Size
		if percent := int(done * 100 / list.Total()); percent != said {
			said = percent
			o.Tell(lan.Report{Step: lan.Fetching, Percent: percent})
			if percent%10 == 0 {
				o.Say(fmt.Sprintf("Yhteiskone: %d %%", percent))
			}
		}
	}
	return f.Close()
}

func (o Options) piece(ctx context.Context, f *os.File, i int, p lan.Piece) error {
	var err error
	for range tries {
		var text []byte
		if text, err = o.get(ctx, "/pieces/"+strconv.Itoa(i), p.Size); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		if sum := sha256.Sum256(text); int64(len(text)) != p.Size || hex.EncodeToString(sum[:]) != p.SHA256 {
			err = errors.New("what arrived is damaged")
			continue
		}
		if _, err := f.WriteAt(text, p.At); err != nil {
			return fmt.Errorf("keep the image in memory: %w", err)
		}
		return nil
	}
	return fmt.Errorf("fetch piece %d of the image: %w", i, err)
}

// available is how much memory can still be had.
func (o Options) available() (int64, error) {
	text, err := os.ReadFile(filepath.Join(o.Root, "proc/meminfo"))
	if err != nil {
		return 0, fmt.Errorf("look how much memory there is: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemAvailable:" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("look how much memory there is: the kernel does not say")
}

// place puts down what a stick would have in its partitions kiosk-conf and
// kiosk-data, and has the system take it from there: whatever partitions of
// those names are on a disk inside, none is looked at.
func (o Options) place(plan []byte) error {
	units := filepath.Join(o.Root, "run/systemd/system")
	for _, dir := range []string{filepath.Join(o.Root, Conf), filepath.Join(o.Root, State)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(units, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"conf.mount": mount(Conf, "/conf"), "var-lib-yhteiskone.mount": mount(State, "/var/lib/yhteiskone")} {
		if err := os.WriteFile(filepath.Join(units, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	esp := filepath.Join(units, "boot-esp.mount")
	if err := os.Remove(esp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink("/dev/null", esp); err != nil {
		return err
	}
	path := filepath.Join(o.Root, Conf, "install.json")
	if err := os.WriteFile(path, plan, 0o600); err != nil {
		return err
	}
	// On a stick these are that user's, and nobody else's.
	for _, name := range []string{filepath.Join(o.Root, Conf), filepath.Join(o.Root, State), path} {
		if err := os.Chown(name, o.Owner, -1); err != nil {
			return err
		}
	}
	return nil
}

func mount(what, where string) string {
	return "[Unit]\nDescription=Yhteiskone: " + where + " of a machine that was started over the network\n[Mount]\nWhat=" + what +
		"\nWhere=" + where + "\nType=none\nOptions=bind,nosuid,nodev,noexec\n"
}
