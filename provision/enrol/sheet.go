package enrol

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"yhteiskone/internal/fleet"
)

// Row is one machine of a sheet.
type Row struct {
	Line               int
	Site               fleet.SiteID
	Name, Place, Notes string
}

// File is the name of the row's join file.
func (r Row) File() string { return string(r.Site) + "-" + slug(r.Name) + ".json" }

// columns of a sheet, those first that it must have.
func columns() []string { return []string{"site", "name", "place", "notes"} }

// ReadSheet reads a centre's machines from a CSV file as spreadsheets write it:
// UTF-8 with or without a mark at its beginning, with commas, semicolons or
// tabs, a first line that names the columns site, name, place and notes in any
// order. Everything that is wrong is told at once, each with line and column.
func ReadSheet(path string) ([]Row, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, told{fmt.Errorf("read the list: %w", err), ErrInput}
	}
	rows, faults := parseSheet(text)
	if len(faults) == 0 {
		return rows, nil
	}
	return nil, told{fmt.Errorf("%s is not in order, and nothing was made:\n  %s", path, strings.Join(faults, "\n  ")), ErrInput}
}

// sheet reads one file.
type sheet struct {
	r      *csv.Reader
	first  int      // lines before those that r sees
	at     []string // the column's name by its place
	faults []string
}

// fault notes what is wrong with a field of the record that was read last.
func (s *sheet) fault(field int, format string, args ...any) {
	line, column := 1, 1
	if field >= 0 {
		line, column = s.r.FieldPos(field)
	}
	s.faults = append(s.faults, fmt.Sprintf("line %d, column %d: ", s.first+line, column)+fmt.Sprintf(format, args...))
}

func parseSheet(text []byte) (rows []Row, faults []string) {
	s := &sheet{}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if n := badUTF8(text); n >= 0 {
		line := bytes.Count(text[:n], []byte("\n")) + 1
		return nil, []string{fmt.Sprintf("line %d, column %d: it is not UTF-8; save the sheet as \"CSV UTF-8\"", line, n-bytes.LastIndexByte(text[:n], '\n'))}
	}
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	if strings.HasPrefix(string(head), "sep=") { // for Excel alone
		text, s.first = rest, 1
		head, _, _ = bytes.Cut(text, []byte("\n"))
	}
	s.r = csv.NewReader(bytes.NewReader(text))
	s.r.FieldsPerRecord, s.r.TrimLeadingSpace = -1, true
	for _, mark := range ";\t," {
		if bytes.ContainsRune(head, mark) {
			s.r.Comma = mark
			break
		}
	}
	if s.header() {
		rows = s.rows()
	}
	return rows, s.faults
}

func badUTF8(text []byte) int {
	for n := 0; n < len(text); {
		r, size := utf8.DecodeRune(text[n:])
		if r == utf8.RuneError && size == 1 {
			return n
		}
		n += size
	}
	return -1
}

func (s *sheet) header() bool {
	record, err := s.r.Read()
	if err != nil {
		s.fault(-1, "there is no first line that names the columns: %s", strings.Join(columns(), ", "))
		return false
	}
	for i, name := range record {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == "" && i > 0: // a spreadsheet's empty column at the end
		case !slices.Contains(columns(), name):
			s.fault(i, "there is no column %q; the first line names %s", name, strings.Join(columns(), ", "))
		case slices.Contains(s.at, name):
			s.fault(i, "the column %q is there twice", name)
		}
		s.at = append(s.at, name)
	}
	for _, name := range columns()[:2] {
		if len(s.faults) == 0 && !slices.Contains(s.at, name) {
			s.fault(0, "the column %q is missing", name)
		}
	}
	return len(s.faults) == 0
}

func (s *sheet) rows() (rows []Row) {
	lines := map[string]int{}
	for {
		record, err := s.r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			s.faults = append(s.faults, fmt.Sprintf("line %d, column %d: %v", s.first+bad.Line, bad.Column, bad.Err))
			return nil
		}
		if strings.TrimSpace(strings.Join(record, "")) == "" {
			continue
		}
		row := s.row(record)
		if before := lines[row.File()]; before > 0 && row.Name != "" {
			s.fault(slices.Index(s.at, "name"), "the site %s has a machine of this name on line %d already", row.Site, before)
		}
		lines[row.File()] = row.Line
		rows = append(rows, row)
	}
	if len(rows) == 0 && len(s.faults) == 0 {
		s.fault(-1, "there is no machine in it, only the first line")
	}
	return rows
}

func (s *sheet) row(record []string) Row {
	line, _ := s.r.FieldPos(0)
	row := Row{Line: s.first + line}
	for i, text := range record {
		text = strings.TrimSpace(text)
		if i >= len(s.at) || s.at[i] == "" {
			if text != "" {
				s.fault(i, "%q stands under no column's name", text)
			}
			continue
		}
		switch s.at[i] {
		case "site":
			row.Site = fleet.SiteID(text)
			if !row.Site.Valid() {
				s.fault(i, "site %q is not an identifier: use 1 to 40 of a-z, 0-9 and '-'", text)
			}
		case "name":
			row.Name = text
		case "place":
			row.Place = text
		case "notes":
			row.Notes = text
		}
		if s.at[i] == "name" || s.at[i] == "place" && text != "" {
			if err := fleet.CheckName(s.at[i], text); err != nil {
				s.fault(i, "%v", err)
			}
		}
		if s.at[i] == "notes" && text != "" {
			if err := fleet.CheckNotes("notes", text); err != nil {
				s.fault(i, "%v", err)
			}
		}
	}
	for i, name := range s.at {
		if i >= len(record) && (name == "site" || name == "name") {
			s.fault(len(record)-1, "%s is missing behind this", name)
		}
	}
	return row
}

// slug makes of a name what any system takes as a file's name.
func slug(name string) string {
	fold := strings.NewReplacer("ä", "a", "å", "a", "ö", "o")
	text := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '-'
	}, fold.Replace(strings.ToLower(name)))
	return strings.Trim(text, "-")
}
