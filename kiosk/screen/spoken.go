package screen

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"yhteiskone/kiosk/session"
)

// Spoken is the view in words, as it is read aloud: the drawn page's own text
// in its order, with a pause after each part. What is only another form of what
// is said anyway, or is for eyes and hands alone, is marked data-quiet.
func (r *Renderer) Spoken(v session.View) (string, error) {
	html, err := r.Render(v)
	if err != nil {
		return "", err
	}
	name := func(button string) (string, error) {
		return r.texts.say(languageOf(v.Lang).Code, "button_said", "name", button)
	}
	parts, err := listen(html, name)
	if err != nil {
		return "", fmt.Errorf("read the page %s: %w", kindOf(v), err)
	}
	return strings.Join(parts, "\n"), nil
}

// listen takes the sentences out of a page of ours. A button is named as one,
// tiles and pictures apart: what they are is clear from where they stand.
func listen(html string, name func(string) (string, error)) ([]string, error) {
	d := xml.NewDecoder(strings.NewReader(html))
	d.Strict = false // attributes without values
	d.Entity = xml.HTMLEntity
	var parts []string
	var text strings.Builder
	stop := func() {
		if s := strings.Join(strings.Fields(text.String()), " "); s != "" {
			if !strings.ContainsAny(s[len(s)-1:], ".!?:") && !strings.HasSuffix(s, "…") && !strings.HasSuffix(s, "؟") {
				s += "."
			}
			parts = append(parts, s)
		}
		text.Reset()
	}
	silent, button := 0, -1 // how deep in what is not said; where the button's own parts begin
	plain := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			stop()
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if silent > 0 || quiet(t) {
				silent++
				continue
			}
			if breaks(t.Name.Local) {
				stop()
			}
			if t.Name.Local == "button" {
				button, plain = len(parts), slices.ContainsFunc(t.Attr, func(a xml.Attr) bool {
					return a.Name.Local == "class" && (strings.HasPrefix(a.Value, "tile") || a.Value == "picture")
				})
			}
		case xml.EndElement:
			if silent > 0 {
				silent--
				continue
			}
			if breaks(t.Name.Local) {
				stop()
			}
			if t.Name.Local == "button" && button >= 0 {
				own := joined(parts[button:])
				parts = parts[:button]
				if own != "" && !plain {
					if own, err = name(own); err != nil {
						return nil, err
					}
				}
				if own != "" {
					parts = append(parts, own)
				}
				button = -1
			}
		case xml.CharData:
			if silent == 0 {
				text.Write(t)
			}
		}
	}
}

// quiet reports whether an element is not read aloud.
func quiet(e xml.StartElement) bool {
	return e.Name.Local == "svg" || slices.ContainsFunc(e.Attr, func(a xml.Attr) bool {
		return a.Name.Local == "hidden" || a.Name.Local == "data-quiet" || a.Name.Local == "disabled" ||
			a.Name.Local == "aria-hidden" && a.Value == "true"
	})
}

// breaks reports whether an element stands on its own, with a pause around it.
func breaks(element string) bool {
	switch element {
	case "i", "kbd":
		return false
	}
	return true
}

// joined says the parts of one button in one breath.
func joined(parts []string) string {
	out := ""
	for i, p := range parts {
		if i+1 < len(parts) {
			p = strings.TrimSuffix(p, ".") + ", "
		}
		out += p
	}
	return out
}
