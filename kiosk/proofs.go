package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// The proof file is JSON lines: the kiosk and its public key, then the newest
// proofs, oldest first. It holds few, so that it is no diary of the machine.
const (
	proofsKept = 32
	proofsMost = 64 // then the file is cut to proofsKept
)

type proofHead struct {
	Kiosk fleet.KioskID `json:"kiosk"`
	Key   []byte        `json:"public_key"`
}

// prover signs, chains and stores proofs, and hands them to the uplink.
type prover struct {
	path   string
	key    ed25519.PrivateKey
	kiosk  fleet.KioskID
	now    func() time.Time
	send   func(fleet.WipeProof) error
	mu     sync.Mutex // guards what follows
	proofs []fleet.WipeProof
	handed uint64 // the newest proof that send took
}

// openProver reads the chain. A chain of another kiosk identifier (the machine
// was enrolled anew) is put aside and a new one begins.
func openProver(path string, key ed25519.PrivateKey, kiosk fleet.KioskID, now func() time.Time) (*prover, error) {
	p := &prover{path: path, key: key, kiosk: kiosk, now: now}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the proofs: %w", err)
	}
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		text = text[:i+1] // a line that power was cut in was never acknowledged to anybody
	}
	head, proofs, err := readProofs(path, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("open the proofs: %w", err)
	}
	if head.Kiosk != kiosk {
		if err := os.Rename(path, path+"."+string(head.Kiosk)); err != nil {
			return nil, fmt.Errorf("open the proofs: %w", err)
		}
		return p, nil
	}
	p.proofs = proofs
	return p, nil
}

// Last is the newest proof.
func (p *prover) Last() *fleet.WipeProof {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last()
}

func (p *prover) last() *fleet.WipeProof {
	if len(p.proofs) == 0 {
		return nil
	}
	last := p.proofs[len(p.proofs)-1]
	return &last
}

// Prove signs and stores a proof; it is durable when Prove returns.
func (p *prover) Prove(looks []fleet.Look, took time.Duration) (fleet.WipeProof, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err != nil {
		return fleet.WipeProof{}, err
	}
	made := proof.Sign(p.key, p.last(), fleet.WipeProof{Kiosk: p.kiosk, At: p.now(), Looks: looks,
		TookMS: uint32(min(max(took.Milliseconds(), 0), 1<<31))})
	if err := p.keep(made); err != nil {
		return fleet.WipeProof{}, fmt.Errorf("keep the proof: %w", err)
	}
	p.proofs = append(p.proofs, made)
	if err := p.catchUp(); err != nil {
		return fleet.WipeProof{}, err
	}
	return made, nil
}

// sendsTo hands proofs over from now on, first those above handed: one that was
// kept just before the power was cut, or the disk was full, was never handed
// over, and the agent would take the chain for broken. What fails now is tried
// again with the next proof.
func (p *prover) sendsTo(send func(fleet.WipeProof) error, handed uint64, known bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send, p.handed = send, 0
	if last := p.last(); last != nil { // what is known of another chain counts for nothing
		p.handed = last.Seq
		if known {
			p.handed = min(handed, last.Seq)
		}
	}
	return p.catchUp()
}

// catchUp hands over every proof that was not yet, oldest first.
func (p *prover) catchUp() error {
	if p.send == nil {
		return nil
	}
	for _, made := range p.proofs {
		if made.Seq <= p.handed {
			continue
		}
		if err := p.send(made); err != nil {
			return fmt.Errorf("hand the proof over: %w", err)
		}
		p.handed = made.Seq
	}
	return nil
}

func (p *prover) keep(made fleet.WipeProof) error {
	if len(p.proofs) > 0 && len(p.proofs) < proofsMost {
		line, err := json.Marshal(wire.ProofOf(made))
		if err != nil {
			return err
		}
		return appendLine(p.path, line)
	}
	p.proofs = p.proofs[max(0, len(p.proofs)-proofsKept+1):]
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	if err := enc.Encode(proofHead{p.kiosk, p.key.Public().(ed25519.PublicKey)}); err != nil {
		return err
	}
	for _, old := range append(p.proofs[:len(p.proofs):len(p.proofs)], made) {
		if err := enc.Encode(wire.ProofOf(old)); err != nil {
			return err
		}
	}
	return renameio.WriteFile(p.path, b.Bytes(), 0o600, renameio.WithTempDir(filepath.Dir(p.path)))
}

// appendLine adds a line durably. A line that a power cut left half-written is
// cut off first.
func appendLine(path string, line []byte) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	end := int64(bytes.LastIndexByte(text, '\n') + 1)
	if end != int64(len(text)) {
		if err := f.Truncate(end); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(append(line, '\n'), end); err != nil {
		return err
	}
	return f.Sync()
}

// readProofs reads and verifies a proof file. Errors name the line.
func readProofs(path string, r io.Reader) (proofHead, []fleet.WipeProof, error) {
	var head proofHead
	var proofs []fleet.WipeProof
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, wire.LimitAfter)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			if err := json.Unmarshal(lines.Bytes(), &head); err != nil || !head.Kiosk.Valid() || len(head.Key) != ed25519.PublicKeySize {
				return head, nil, fmt.Errorf("%s, line 1: it does not name a kiosk and its key", path)
			}
			continue
		}
		var body wire.ProofBody
		if err := json.Unmarshal(lines.Bytes(), &body); err != nil {
			return head, nil, fmt.Errorf("%s, line %d: it is not a proof", path, n)
		}
		p := body.Fleet(head.Kiosk)
		if err := proof.Verify(head.Key, p); err != nil {
			return head, nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		if len(proofs) > 0 {
			if err := proof.Follows(&proofs[len(proofs)-1], p); err != nil {
				return head, nil, fmt.Errorf("%s, line %d: %w", path, n, err)
			}
		}
		proofs = append(proofs, p)
	}
	if err := lines.Err(); err != nil {
		return head, nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(head.Key) == 0 {
		return head, nil, fmt.Errorf("%s, line 1: the file is empty", path)
	}
	return head, proofs, nil
}

// verifyProofs is `kiosk proofs verify FILE`.
func verifyProofs(path string, out io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return badInput{err}
	}
	defer f.Close()
	head, proofs, err := readProofs(path, f)
	if err != nil {
		return err
	}
	unclean := 0
	for _, p := range proofs {
		if !p.Clean() {
			unclean++
			fmt.Fprintf(out, "proof %d, %s: NOT clean\n", p.Seq, p.At.Format(time.RFC3339))
		}
	}
	fmt.Fprintf(out, "%d proofs of kiosk %s, signed and in an unbroken chain, %d of them not clean.\n", len(proofs), head.Kiosk, unclean)
	fmt.Fprintf(out, "The key's fingerprint, to compare with the agent's: %s\n", identity.Fingerprint(head.Key))
	if unclean > 0 {
		return errors.New("a wipe was not verified")
	}
	return nil
}
