package uplink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/wire"
)

// outboxLimit bounds what is kept while the agent is away: years of days and
// weeks of wipes.
const outboxLimit = 20000

// ErrOutboxFull means that too much waits for the agent.
var ErrOutboxFull = errors.New("too many messages wait for the agent")

// outbox keeps numbered messages on disk, one file each, until the agent has
// acknowledged them. A message is durable when put returns.
type outbox struct {
	dir  string
	mu   sync.Mutex
	seqs []uint64 // waiting, ascending
	next uint64

	given uint64 // up to here messages were handed to a line, and may have arrived
	proof uint64 // the newest wipe proof that was acknowledged
	known bool   // proof is true: an older program kept no note of it
}

// The notes beside the messages: up to which number they are acknowledged, and
// the number of the newest wipe proof among those.
const (
	ackedName = "acked"
	proofName = "proof"
)

// note reads a number that was kept; there is false without it.
func (o *outbox) note(name string) (n uint64, there bool, err error) {
	text, err := os.ReadFile(filepath.Join(o.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("open the outbox: %w", err)
	}
	if n, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err != nil {
		return 0, false, fmt.Errorf("open the outbox: %s does not hold a number", filepath.Join(o.dir, name))
	}
	return n, true, nil
}

// write keeps a number durably.
func (o *outbox) write(name string, n uint64) error {
	return renameio.WriteFile(filepath.Join(o.dir, name), []byte(strconv.FormatUint(n, 10)+"\n"), 0o600, renameio.WithTempDir(o.dir))
}

func openOutbox(dir string) (*outbox, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the outbox: %w", err)
	}
	o := &outbox{dir: dir}
	acked, begun, err := o.note(ackedName)
	if err != nil {
		return nil, err
	}
	if o.proof, o.known, err = o.note(proofName); err != nil {
		return nil, err
	}
	o.known, o.next = o.known || !begun, acked+1
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the outbox: %w", err)
	}
	for _, e := range entries {
		seq, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), ".json"), 10, 64)
		if err != nil || !strings.HasSuffix(e.Name(), ".json") {
			continue // renameio's temporary files of a power cut, and acked itself
		}
		if seq <= acked {
			os.Remove(filepath.Join(dir, e.Name())) // acknowledged, and power was cut before it was removed
			continue
		}
		o.seqs = append(o.seqs, seq)
		o.next = max(o.next, seq+1)
	}
	slices.Sort(o.seqs)
	return o, nil
}

func (o *outbox) path(seq uint64) string { return filepath.Join(o.dir, fmt.Sprintf("%016d.json", seq)) }

// put numbers a message, writes it and returns its number.
func (o *outbox) put(message func(seq uint64) wire.Message) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seqs) >= outboxLimit {
		return 0, ErrOutboxFull
	}
	seq := o.next
	frame, err := wire.Encode(message(seq))
	if err != nil {
		return 0, err
	}
	if err := renameio.WriteFile(o.path(seq), frame, 0o600, renameio.WithTempDir(o.dir)); err != nil {
		return 0, fmt.Errorf("keep a message: %w", err)
	}
	o.next++
	o.seqs = append(o.seqs, seq)
	return seq, nil
}

// hand returns the first waiting message with a number above seq, to be sent:
// from now on it may have arrived.
func (o *outbox) hand(seq uint64) (uint64, wire.Message, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s, m, ok, err := o.after(seq)
	if ok {
		o.given = max(o.given, s)
	}
	return s, m, ok, err
}

// after finds the first waiting message with a number above seq.
func (o *outbox) after(seq uint64) (uint64, wire.Message, bool, error) {
	for _, s := range o.seqs {
		if s <= seq {
			continue
		}
		frame, err := os.ReadFile(o.path(s))
		if err != nil {
			return 0, nil, false, fmt.Errorf("read a kept message: %w", err)
		}
		m, err := wire.Decode(frame)
		if err != nil {
			return 0, nil, false, fmt.Errorf("read a kept message: %s: %w", o.path(s), err)
		}
		return s, m, true, nil
	}
	return 0, nil, false, nil
}

// ack forgets everything up to and including seq, durably. An agent that was
// restored from an older backup may know less than we do, and one that has
// seen more than we ever sent makes us go on above its number.
func (o *outbox) ack(seq uint64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if (len(o.seqs) == 0 || o.seqs[0] > seq) && seq < o.next {
		return nil
	}
	if top, err := o.newestProof(seq); err == nil && top > o.proof { // what cannot be read is no reason to send it again
		if err := o.write(proofName, top); err != nil {
			return fmt.Errorf("keep an acknowledgement: %w", err)
		}
		o.proof, o.known = top, true
	}
	if err := o.write(ackedName, seq); err != nil {
		return fmt.Errorf("keep an acknowledgement: %w", err)
	}
	for len(o.seqs) > 0 && o.seqs[0] <= seq {
		if err := os.Remove(o.path(o.seqs[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget an acknowledged message: %w", err)
		}
		o.seqs = o.seqs[1:]
	}
	o.next = max(o.next, seq+1)
	return nil
}

// newestProof is the number of the newest wipe proof among the waiting messages
// up to a number; 0 if there is none.
func (o *outbox) newestProof(most uint64) (top uint64, err error) {
	err = o.walk(most, func(_ uint64, m wire.Message) {
		if p, ok := m.(wire.Proof); ok {
			top = max(top, p.Proof.Seq)
		}
	})
	return top, err
}

// walk calls f with every waiting message up to a number.
func (o *outbox) walk(most uint64, f func(uint64, wire.Message)) error {
	for seq := uint64(0); ; {
		next, m, ok, err := o.after(seq)
		if err != nil || !ok || next > most {
			return err
		}
		f(next, m)
		seq = next
	}
}

// handed is the number of the newest wipe proof that was put here; known is
// false if nobody can say.
func (o *outbox) handed() (newest uint64, known bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	top, err := o.newestProof(o.next)
	if err != nil {
		return 0, false, err
	}
	return max(top, o.proof), o.known || top > 0, nil
}

// drop removes one waiting message that is no longer worth sending, unless it
// may have arrived already.
func (o *outbox) drop(seq uint64) (dropped bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.Index(o.seqs, seq)
	if i < 0 || seq <= o.given {
		return false, nil
	}
	if err := os.Remove(o.path(seq)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("drop a message: %w", err)
	}
	o.seqs = slices.Delete(o.seqs, i, i+1)
	return true, nil
}

// each calls f with every waiting message.
func (o *outbox) each(f func(uint64, wire.Message)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.walk(o.next, f)
}

// waits returns how many messages wait.
func (o *outbox) waits() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seqs)
}
