package figures

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// WriteCSV writes lines as RFC 4180 says, in UTF-8 with the mark by which
// Excel knows it. A value that a spreadsheet would take for a formula gets an
// apostrophe in front.
func WriteCSV(w io.Writer, lines [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for _, line := range lines {
		safe := make([]string, len(line))
		for i, v := range line {
			safe[i] = harmless(v)
		}
		if err := out.Write(safe); err != nil {
			return fmt.Errorf("write the file: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	return nil
}

// harmless takes a formula's sense away. Spreadsheets skip what is blank in
// front, and know the signs in their full width too.
func harmless(v string) string {
	begins := strings.TrimLeft(v, " \u00a0\u3000\u200b\ufeff\r\n\t\v\f")
	if begins != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(begins)[0]) || strings.ContainsAny(v, "\t\r\n") {
		return "'" + v
	}
	return v
}
