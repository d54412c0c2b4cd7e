package install

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/provision/disk"
)

// Steps of an installation, as they are told.
const (
	StepAsking    = "asking"
	StepJoining   = "joining"
	StepChecking  = "checking"
	StepWriting   = "writing"
	StepReading   = "reading"
	StepFinishing = "finishing"
	StepDone      = "done"
	StepFailed    = "failed"
)

// Progress is how far it is.
type Progress struct {
	Step    string
	Percent int
	Name    string // the machine's, once it has one
	Disk    string // that is asked about
	Why     string // it failed
}

// Net is what is different on a machine that was started over the network: it
// runs from a disk in memory, and somebody elsewhere wants to know how far it is.
type Net struct {
	Tell func(Progress)              // does not wait
	Told func(context.Context) error // waits until the newest was heard
	Stay time.Duration               // how long the end is shown
}

func (in *installer) tell(p Progress) {
	if in.Net != nil {
		in.Net.Tell(p)
	}
}

// onNet begins the words that are said in place of others.
const onNet = "net_"

// speak are the words of a language, as they are where the machine runs from.
func (in *installer) speak(lang string) (words, error) {
	w, err := speak(lang)
	if err != nil || in.Net == nil {
		return w, err
	}
	for key, text := range w {
		if of, ok := strings.CutPrefix(key, onNet); ok {
			w[of] = text
		}
	}
	return w, nil
}

// look sorts the disks out. The disk in memory is none of the machine's.
func (in *installer) look(all []disk.Disk) (found, error) {
	if in.Net == nil {
		return look(all)
	}
	return look(append(slices.Clone(all), disk.Disk{Path: NetDisk, Refused: disk.RunsFrom}))
}

// labels are disks in a line.
func labels(all []disk.Disk) string {
	var names []string
	for _, d := range all {
		names = append(names, strings.TrimSpace(disk.Bytes(d.Size)+" "+identity(d)))
	}
	return strings.Join(names, "; ")
}

// leave shows the end for a while, and starts the machine anew from its disk
// once the server knows: it would have it installed again otherwise.
func (in *installer) leave(ctx context.Context, name string, lines, picture []string) error {
	in.tell(Progress{Step: StepDone, Percent: 100, Name: name})
	end := time.Now().Add(in.Net.Stay)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for left := in.Net.Stay; left > 0; left = time.Until(end) {
		in.show(append(slices.Clone(lines), in.words.say("take_out", "n", strconv.Itoa(int((left+time.Second-1)/time.Second)))), picture, nil, false)
		select {
		case _, open := <-in.Screen.typed:
			if open {
				end = time.Now()
			}
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := in.Net.Told(ctx); err != nil {
		in.Screen.Note(err.Error())
	}
	return in.Tools.Restart()
}
