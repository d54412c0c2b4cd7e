package update

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// GRUB's environment block: 1024 bytes, a first line, variables, and signs that
// fill it. Of a block that is being written when power goes, each sector is old
// or new; so all that counts stands in the first one.
const (
	envName   = "grubenv"
	envSize   = 1024
	envHead   = "# GRUB Environment Block\n"
	envSector = 512
)

// trialTimes is how often GRUB tries a new slot.
const trialTimes = 3

// errNoEnv says that what should be GRUB's environment is none.
var errNoEnv = errors.New("GRUB's environment is damaged")

// env is what GRUB goes by. It tries Trial while Left is above zero, counting
// down before each time, and takes Active otherwise.
type env struct {
	Active, Trial string
	Left          int
}

// fellBack reports that GRUB tried another slot than the one that runs, and
// gave it up.
func (e env) fellBack(booted string) bool {
	return e.Trial == other(booted) && e.Left < trialTimes
}

func isSlot(s string) bool { return s == "A" || s == "B" }

// parseEnv reads the block. Variables that are not ours are passed over.
func parseEnv(block []byte) (e env, err error) {
	text, ok := bytes.CutPrefix(block, []byte(envHead))
	if !ok || len(block) != envSize {
		return e, errNoEnv
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch name {
		case "active":
			e.Active = value
		case "trial":
			e.Trial = value
		case "trial_left":
			if e.Left, err = strconv.Atoi(value); err != nil && value != "" || e.Left < 0 || e.Left > trialTimes {
				return env{}, errNoEnv
			}
		}
	}
	if !isSlot(e.Active) || e.Trial != "" && !isSlot(e.Trial) {
		return env{}, errNoEnv
	}
	return e, nil
}

// encode writes the block.
func (e env) encode() []byte {
	text := fmt.Sprintf("%sactive=%s\ntrial=%s\ntrial_left=%d\n", envHead, e.Active, e.Trial, e.Left)
	return append([]byte(text), bytes.Repeat([]byte("#"), envSize-len(text))...)
}

func readEnv(d Disk) (env, error) {
	f, err := d.Boot(envName)
	if err != nil {
		return env{}, err
	}
	defer f.Close()
	block, err := readAll(f, envSize+1)
	if err != nil {
		return env{}, err
	}
	return parseEnv(block)
}

// writeEnv writes the block over the old one, in one write and where it lies:
// a file that is cut first could be empty when power goes.
func writeEnv(d Disk, e env) (err error) {
	f, err := d.Boot(envName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if size, err := f.Size(); err != nil || size != envSize && size != 0 {
		return errors.Join(fmt.Errorf("write GRUB's environment: the file has %d bytes, not %d", size, envSize), err)
	}
	if _, err := f.WriteAt(e.encode(), 0); err != nil {
		return fmt.Errorf("write GRUB's environment: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write GRUB's environment: %w", err)
	}
	return nil
}
