package wire

import (
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"yhteiskone/internal/fleet"
)

// Sheet carries an acceptance sheet, the answer to the command "check"; its
// Result comes after it. From the kiosk, kept until acknowledged. Only an agent
// that gave that command gets one.
type Sheet struct {
	Seq   uint64    `json:"seq"`
	Sheet SheetBody `json:"sheet"`
}

// SheetBody is fleet.Sheet without the kiosk, which the connection names.
type SheetBody struct {
	Command   string      `json:"command"`
	At        time.Time   `json:"at"`
	Build     string      `json:"build"`              // at most 60 bytes
	Image     string      `json:"image,omitempty"`    // at most 40 bytes
	Hardware  string      `json:"hardware,omitempty"` // at most 200 bytes
	Proof     *ProofBrief `json:"proof,omitempty"`
	Rows      []SheetRow  `json:"rows"` // 1 to 120
	Signature []byte      `json:"signature"`
}

// SheetRow is fleet.SheetRow.
type SheetRow struct {
	Code  string     `json:"code"` // 1 to 40 of a-z, 0-9 and '_'
	Mark  fleet.Mark `json:"mark"` // 1 to 20 bytes
	Value string     `json:"value,omitempty"`
}

func (Sheet) kind() string { return "sheet" }

func (m Sheet) check() error { return errors.Join(seq(m.Seq), m.Sheet.check()) }

func (s SheetBody) check() error {
	for _, r := range s.Rows {
		if err := errors.Join(word("rows.code", r.Code, 40), word("rows.mark", string(r.Mark), 20),
			line("rows.value", r.Value, fleet.SheetValueMost)); err != nil {
			return err
		}
	}
	if s.Proof != nil {
		if err := errors.Join(seq(s.Proof.Seq), stamp("proof.at", s.Proof.At)); err != nil {
			return err
		}
	}
	return errors.Join(hexID("command", s.Command), stamp("at", s.At), line("build", s.Build, 60), line("image", s.Image, 40),
		line("hardware", s.Hardware, 200), size("build", len(s.Build), 1, 60), size("rows", len(s.Rows), 1, fleet.SheetRowsMost),
		size("signature", len(s.Signature), 64, 64))
}

// word wants 1 to most of a-z, 0-9 and '_'.
func word(what, s string, most int) error {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return fmt.Errorf("%s is not a word", what)
		}
	}
	return size(what, len(s), 1, most)
}

// line wants at most so many bytes that can be printed: it is put on paper.
func line(what, s string, most int) error {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return fmt.Errorf("%s holds a character that cannot be printed", what)
		}
	}
	return size(what, len(s), 0, most)
}

// Fleet returns the sheet in fleet's words, of the kiosk that sent it.
func (s SheetBody) Fleet(kiosk fleet.KioskID) fleet.Sheet {
	f := fleet.Sheet{Kiosk: kiosk, Command: s.Command, At: s.At, Build: s.Build, Image: s.Image, Hardware: s.Hardware, Signature: s.Signature}
	if s.Proof != nil {
		p := fleet.ProofSummary(*s.Proof)
		f.Proof = &p
	}
	for _, r := range s.Rows {
		f.Rows = append(f.Rows, fleet.SheetRow(r))
	}
	return f
}

// SheetOf is the other way of SheetBody.Fleet.
func SheetOf(f fleet.Sheet) SheetBody {
	s := SheetBody{Command: f.Command, At: f.At, Build: f.Build, Image: f.Image, Hardware: f.Hardware, Signature: f.Signature}
	if f.Proof != nil {
		p := ProofBrief(*f.Proof)
		s.Proof = &p
	}
	for _, r := range f.Rows {
		s.Rows = append(s.Rows, SheetRow(r))
	}
	return s
}
