package rig

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// Device is a kiosk's side of the line without a kiosk: what it says is up to
// the scenario. It keeps the rules of the contract unless told otherwise.
type Device struct {
	w    *World
	a    *Agent
	key  ed25519.PrivateKey
	ID   fleet.KioskID
	Last *fleet.WipeProof
	Seq  uint64
	conn *link.Conn
}

// EnrolDevice enrols a device with a fresh key.
func (a *Agent) EnrolDevice(e Enrolment) *Device {
	a.w.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		a.w.Fatal(err)
	}
	body, err := wire.EncodeBody(wire.EnrolRequest{Code: e.Code, PublicKey: pub, Hardware: "scenario"})
	if err != nil {
		a.w.Fatal(err)
	}
	resp, err := a.http.Post(a.URL+wire.EnrolPath, "application/json", bytes.NewReader(body))
	if err != nil {
		a.w.Fatalf("enrol a device: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.w.Fatalf("enrol a device: %s: %s (%v)", resp.Status, text, err)
	}
	var answer wire.EnrolAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		a.w.Fatal(err)
	}
	return &Device{w: a.w, a: a, key: key, ID: answer.Kiosk}
}

// Connect opens the line and proves who the device is.
func (d *Device) Connect() error {
	ctx, cancel := d.w.Within(10 * time.Second)
	defer cancel()
	conf, err := identity.ClientTLS(d.a.Pin())
	if err != nil {
		return err
	}
	conn, err := link.Dial(ctx, d.a.URL, conf, nil)
	if err != nil {
		return err
	}
	m, err := conn.Receive()
	if err != nil {
		return err
	}
	challenge, ok := m.(wire.Challenge)
	if !ok {
		return fmt.Errorf("the agent opened with %T", m)
	}
	nonce, boot := make([]byte, wire.NonceSize), "0123456789abcdef"
	rand.Read(nonce)
	host := strings.TrimPrefix(d.a.URL, "https://")
	signed := identity.Transcript("kiosk", string(d.ID), challenge.Nonce, nonce, host, wire.Version)
	err = conn.Send(wire.Hello{Kiosk: d.ID, Version: wire.Version, Boot: boot, Build: "scenario", Nonce: nonce, Signature: ed25519.Sign(d.key, signed)})
	if err != nil {
		return err
	}
	if m, err = conn.Receive(); err != nil {
		return err
	}
	welcome, ok := m.(wire.Welcome)
	if !ok {
		return fmt.Errorf("the agent answered with %T", m)
	}
	if !identity.VerifyAgent(d.a.Pin(), identity.Transcript("agent", string(d.ID), challenge.Nonce, nonce, host, wire.Version), welcome.Signature) {
		return fmt.Errorf("the agent's signature is wrong")
	}
	conn.Trust()
	d.conn, d.Seq = conn, welcome.Applied
	return nil
}

// Report says that the device is ready, by a clock that is off.
func (d *Device) Report(off time.Duration) error {
	now := time.Now().Add(off).UTC()
	r := fleet.Report{At: now, State: fleet.Ready, Since: now.Add(-time.Minute), Uptime: time.Hour}
	if d.Last != nil {
		r.Proof = &fleet.ProofSummary{Seq: d.Last.Seq, At: d.Last.At, Clean: true}
	}
	return d.conn.Send(wire.ReportOf(r))
}

// Prove sends the next proof and waits for its acknowledgement. The proof
// counts as the device's last only when it was acknowledged.
func (d *Device) Prove() error {
	p := proof.Sign(d.key, d.Last, fleet.WipeProof{Kiosk: d.ID, At: time.Now(), TookMS: 80,
		Looks: []fleet.Look{{At: "processes", Looked: 40}, {At: "files", Looked: 300}}})
	if err := d.conn.Send(wire.Proof{Seq: d.Seq + 1, Proof: wire.ProofOf(p)}); err != nil {
		return err
	}
	for {
		m, err := d.conn.Receive()
		if err != nil {
			return err
		}
		if ack, ok := m.(wire.Ack); ok && ack.Seq > d.Seq {
			d.Seq, d.Last = ack.Seq, &p
			return nil
		}
	}
}

// Close hangs up.
func (d *Device) Close() {
	if d.conn != nil {
		d.conn.Close(link.CloseNormal, "")
	}
}

// Raw is a websocket on which a scenario may send what no kiosk would.
type Raw struct {
	net.Conn
	r *bufio.Reader
}

// Raw opens a websocket to the agent.
func (a *Agent) Raw() *Raw {
	a.w.Helper()
	conf, err := identity.ClientTLS(a.Pin())
	if err != nil {
		a.w.Fatal(err)
	}
	host := strings.TrimPrefix(a.URL, "https://")
	c, err := tls.Dial("tcp", host, conf)
	if err != nil {
		a.w.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(15 * time.Second))
	fmt.Fprintf(c, "GET /link HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", host, wire.Subprotocol)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		a.w.Fatalf("open a websocket: %v %v", resp, err)
	}
	return &Raw{c, r}
}

// Send writes one frame with a mask, as clients must.
func (r *Raw) Send(opcode byte, payload []byte) error {
	head := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(n))
	}
	head = append(head, 0, 0, 0, 0) // a mask of zeros changes nothing
	_, err := r.Write(append(head, payload...))
	return err
}

// Closed reads until the agent closes and returns the close code, 0 if it just
// hung up.
func (r *Raw) Closed() (code int, err error) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(r.r, head[:]); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF || strings.Contains(err.Error(), "reset") {
				return 0, nil
			}
			return 0, err
		}
		size := int(head[1] & 0x7f)
		if size == 126 {
			var n [2]byte
			if _, err := io.ReadFull(r.r, n[:]); err != nil {
				return 0, err
			}
			size = int(binary.BigEndian.Uint16(n[:]))
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(r.r, payload); err != nil {
			return 0, err
		}
		if head[0]&0x0f == 8 && size >= 2 {
			return int(binary.BigEndian.Uint16(payload)), nil
		}
	}
}
