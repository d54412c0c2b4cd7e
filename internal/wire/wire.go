// Package wire is the contract of what kiosk and agent say to each other:
// text frames of JSON, one message each, over a websocket at GET /link with
// the subprotocol Subprotocol.
//
// It is for encoding and strictly decoding these messages. It never opens a
// connection, reads a clock or decides anything.
//
// Order: the agent opens with Challenge; the kiosk answers with Hello; the
// agent answers with Welcome. Before Welcome a frame is at most LimitBefore
// bytes, after it LimitAfter. Then the kiosk sends Report, Proof, Counts, Help,
// Result and Sheet, and the agent sends Ack, Order, Settings and HelpAnswer.
//
// What must not be lost (Proof, Counts, Help, HelpOver, Result, Sheet) carries a
// sequence number: the kiosk keeps it on disk until the agent's Ack names that
// number or a higher one, and the agent applies each number once.
//
// A receiver passes over fields it does not know and refuses a wrong type, a
// wrong size, a missing field, trailing bytes and an unknown message type.
//
// History:
//
//	1  2026-11-21  first version
//	1  2026-11-22  fields added, none changed: in a report "serves" and the
//	               readings from "keyboards" to "swap"; in settings "notice_s",
//	               "mode", "blocked", "languages", "hours", "support" and
//	               "phone"; in a welcome "more"; in a help answer "minutes" and
//	               "who"; in counts "outcomes"; the commands someone_waits,
//	               nobody_waits and open_web. An end that does not know them
//	               passes over them (an unknown command is answered "unknown").
//	1  2026-11-29  in settings "welcome", the centre's own words in three
//	               languages. In a request for a code "once" and "replaces", in
//	               its answer "id", "site" and "name"; codes are listed and
//	               revoked at the same address.
//	1  2026-11-29  in settings "offer", the services on the welcome page: which
//	               are shown, in which order, and the centre's own. Without it a
//	               kiosk has its own catalogue; and "agents", other addresses of
//	               the agent. The commands reboot, update_config, wake, with
//	               "mac", and update_image, with "image"; in results the word
//	               "unable" and those of an update; in a report's health
//	               "wired_mac". The command check, and the message "sheet" that
//	               answers it: only an agent that gave the command gets one.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// Version is the version of the contract.
const Version = 1

// Subprotocol is the websocket subprotocol both ends ask for.
const Subprotocol = "yhteiskone.v1"

// Limits of a frame's size in bytes before and after the Welcome.
const (
	LimitBefore = 1 << 10
	LimitAfter  = 64 << 10
)

// ErrMalformed is wrapped by every error of Decode.
var ErrMalformed = errors.New("malformed message")

// Message is one of the message types of this package, by value.
type Message interface {
	// kind is the "type" of the frame.
	kind() string
	// check says which field is wrong.
	check() error
}

// kinds lists every message type; a frame of another type is refused. It is
// made once: it is asked for every frame.
var kinds = sync.OnceValue(func() map[string]Message {
	m := map[string]Message{}
	for _, v := range []Message{Challenge{}, Hello{}, Welcome{}, Report{}, Proof{}, Counts{}, Help{},
		HelpOver{}, Result{}, Sheet{}, Ack{}, Order{}, Settings{}, HelpAnswer{}} {
		m[v.kind()] = v
	}
	return m
})

// Encode returns the frame of a message. It refuses a message that Decode
// would refuse, so that no end sends what the other cannot read.
func Encode(m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.kind(), err)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.kind(), err)
	}
	head := fmt.Appendf(nil, `{"type":%q`, m.kind())
	if len(body) > 2 { // not "{}"
		head = append(head, ',')
	}
	frame := append(head, body[1:]...)
	if len(frame) > LimitAfter {
		return nil, fmt.Errorf("encode %s: %d bytes are more than %d", m.kind(), len(frame), LimitAfter)
	}
	return frame, nil
}

// Decode reads one frame. The caller has limited its size.
func Decode(frame []byte) (Message, error) {
	zero, err := zeroOf(frame)
	if err != nil {
		return nil, err
	}
	ptr := reflect.New(reflect.TypeOf(zero))
	if err := unmarshal(frame, ptr.Interface()); err != nil {
		return nil, err
	}
	m := ptr.Elem().Interface().(Message)
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %s: %v", ErrMalformed, m.kind(), err)
	}
	return m, nil
}

// zeroOf finds out which message a frame is. Encode writes the type first: then
// the frame, thousands of which come in a minute, need not be read twice.
func zeroOf(frame []byte) (Message, error) {
	if rest, ok := bytes.CutPrefix(frame, []byte(`{"type":"`)); ok {
		word, _, _ := bytes.Cut(rest, []byte(`"`))
		if zero, ok := kinds()[string(word)]; ok {
			return zero, nil
		}
	}
	var head struct {
		Type *string `json:"type"`
	}
	if err := unmarshal(frame, &head); err != nil {
		return nil, err
	}
	if head.Type == nil {
		return nil, fmt.Errorf("%w: no type", ErrMalformed)
	}
	zero, ok := kinds()[*head.Type]
	if !ok {
		return nil, fmt.Errorf("%w: unknown type", ErrMalformed)
	}
	return zero, nil
}

func unmarshal(frame []byte, into any) error {
	if err := json.Unmarshal(frame, into); err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return nil
}
