package install

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Screen is a text terminal that shows one page at a time.
type Screen struct {
	Out  io.Writer
	Size func() (columns, rows int)
	// Note gets a line for each page that is shown: for the machine's log.
	Note  func(string)
	typed chan string
}

// Listen reads what is typed, line by line, until in ends.
func (s *Screen) Listen(in io.Reader) {
	s.typed = make(chan string)
	go func() {
		defer close(s.typed)
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			s.typed <- strings.TrimSpace(lines.Text())
		}
	}()
}

// page is what stands on the screen: a title, sentences, a picture made of
// letters, and what is asked at the end.
type page struct {
	title   string
	lines   []string // each is wrapped; one that begins with a blank is set in
	picture []string
	below   []string
	ask     bool
}

// Sequences of the Linux console.
const (
	clearAll  = "\033[0m\033[2J\033[H"
	emphasis  = "\033[1;37;44m"
	plainText = "\033[0m"
	bright    = "\033[1;37m"
	showsCur  = "\033[?25h"
	hidesCur  = "\033[?25l"
)

// beside is how many columns the sentences must have, to stand left of a
// picture and not above it.
const beside = 24

// show draws a page.
func (s *Screen) show(p page) {
	columns, _ := s.Size()
	var b strings.Builder
	b.WriteString(clearAll + emphasis)
	title := " " + p.title
	b.WriteString(title + strings.Repeat(" ", max(0, columns-len([]rune(title)))) + plainText + "\n\n")
	width, wide := columns-1, 0
	for _, line := range p.picture {
		wide = max(wide, len([]rune(line)))
	}
	right := wide > 0 && columns-wide-2 >= beside
	if right {
		width = columns - wide - 2
	}
	s.write(&b, p.lines, width)
	for i, line := range p.picture {
		if right {
			fmt.Fprintf(&b, "\0337\033[%d;%dH", i+3, columns-wide+1)
		}
		b.WriteString(bright + line + plainText)
		if right {
			b.WriteString("\0338")
		} else {
			b.WriteString("\n")
		}
	}
	s.write(&b, p.below, width)
	if p.ask {
		b.WriteString("\n> " + showsCur)
	} else {
		b.WriteString(hidesCur)
	}
	io.WriteString(s.Out, b.String())
	s.Note(strings.Join(append([]string{p.title}, append(p.lines, p.below...)...), " | "))
}

func (s *Screen) write(b *strings.Builder, lines []string, width int) {
	for _, line := range lines {
		for _, part := range wrap(line, width) {
			b.WriteString(part + "\n")
		}
	}
}

// progress changes the screen's last line.
func (s *Screen) progress(done, total int64, text string) {
	columns, _ := s.Size()
	width := max(10, min(60, columns-2))
	full := int(int64(width) * done / max(total, 1))
	fmt.Fprintf(s.Out, "\r\033[K%s%s\n\r\033[K%s\033[A", strings.Repeat("█", full), strings.Repeat("░", width-full), text)
}

// wrap breaks a line between words, and a word that is longer than a line. What
// is set in stays set in.
func wrap(line string, width int) []string {
	in := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var all []string
	now := []rune(in)
	empty := true
	for _, word := range strings.Fields(line) {
		w := []rune(word)
		if !empty && len(now)+1+len(w) > width {
			all, now, empty = append(all, string(now)), []rune(in), true
		}
		if !empty {
			now = append(now, ' ')
		}
		for room := max(1, width-len(now)); len(w) > room; room = max(1, width-len(in)) {
			all, now, w = append(all, string(append(now, w[:room]...))), []rune(in), w[room:]
		}
		now, empty = append(now, w...), false
	}
	return append(all, string(now))
}
