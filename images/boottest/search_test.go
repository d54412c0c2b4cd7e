package boottest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"golang.org/x/sys/unix"
)

// marker is a word that occurs nowhere else.
func marker() string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	raw := make([]byte, 20)
	rand.Read(raw)
	for i := range raw {
		raw[i] = letters[int(raw[i])%len(letters)]
	}
	return string(raw)
}

// forms are the ways in which a program may hold a word.
func forms(word string) map[string][]byte {
	var wide []byte
	for _, u := range utf16.Encode([]rune(word)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	return map[string][]byte{"bytes": []byte(word), "UTF-16": wide}
}

// search counts each word in a file, in each of its forms. What the file's
// holes would hold is nothing.
func search(t *testing.T, path string, words ...string) map[string]int {
	t.Helper()
	found, _ := searchAround(t, path, words...)
	return found
}

// glimpses is how many finds are shown with what is around them: enough to see
// whose memory that was.
const glimpses = 12

// searchAround says for the first finds what is around them as well.
func searchAround(t *testing.T, path string, words ...string) (found map[string]int, around []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found = map[string]int{}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	block, keep := make([]byte, 4<<20), 0
	for at := int64(0); at < size; {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		switch {
		case errors.Is(err, unix.ENXIO):
			return found, around
		case err != nil:
			t.Fatal(err)
		case data != at:
			at, keep = data, 0
		}
		n, err := f.ReadAt(block[keep:], at)
		if n == 0 && err != nil {
			t.Fatal(err)
		}
		at += int64(n)
		seen := block[:keep+n]
		for _, word := range words {
			for form, text := range forms(word) {
				// Of what was kept to find words over the edge, whole ones were counted before.
				for rest, base := seen, 0; ; {
					i := bytes.Index(rest, text)
					if i < 0 {
						break
					}
					if base+i+len(text) > keep {
						found[word+" as "+form]++
						if len(around) < glimpses {
							around = append(around, fmt.Sprintf("%q", seen[max(0, base+i-80):min(len(seen), base+i+len(text)+40)]))
						}
					}
					rest, base = rest[i+1:], base+i+1
				}
			}
		}
		keep = min(len(seen), 64)
		copy(block, seen[len(seen)-keep:])
	}
	return found, around
}

// memory counts the words in the machine's memory, read from outside.
func (m *machine) memory(words ...string) (found map[string]int, around []string) {
	m.t.Helper()
	path := filepath.Join(m.dir, "memory")
	defer os.Remove(path)
	m.ask("dump-guest-memory", map[string]any{"paging": false, "protocol": "file:" + path})
	return searchAround(m.t, path, words...)
}

// The search finds a word in every form, over the edge of what is read at once
// and behind a hole, and counts it once.
func TestSearch(t *testing.T) {
	word := marker()
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, w := range []struct {
		at   int64
		form string
	}{{0, "bytes"}, {4<<20 - 10, "bytes"}, {8<<20 - 64 - 20, "bytes"}, {4<<20 + 500, "UTF-16"}, {64<<20 - 7, "UTF-16"}} {
		if _, err := f.WriteAt(forms(word)[w.form], w.at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(100 << 20); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(search(t, path, word, marker())), fmt.Sprint(map[string]int{word + " as bytes": 3, word + " as UTF-16": 2}); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}
