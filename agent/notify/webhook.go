package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// request makes the HTTP request of a message, as the channel wants it.
func request(ctx context.Context, t Target, id string, l letterOf, events []Event) (*http.Request, error) {
	var body []byte
	var err error
	head := http.Header{}
	switch t.Channel {
	case ByNtfy:
		body, err = json.Marshal(ntfyBody(t.Address, id, l))
	case ByTeams:
		body, err = json.Marshal(teamsBody(l))
	default:
		body, err = json.Marshal(jsonBody(id, l, events))
	}
	if err != nil {
		return nil, err
	}
	address := t.Address
	if t.Channel == ByNtfy { // JSON goes to the server, which finds the topic inside
		address = address[:strings.LastIndex(strings.TrimRight(address, "/"), "/")+1]
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = head
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "yhteiskone")
	r.Header.Set("Idempotency-Key", id)
	return r, nil
}

// ntfy is what ntfy publishes.
type ntfy struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags"`
	Click    string   `json:"click,omitempty"`
	Sequence string   `json:"sequence_id"` // a second copy takes the place of the first
}

func ntfyBody(address, id string, l letterOf) ntfy {
	address = strings.TrimRight(address, "/")
	n := ntfy{Topic: address[strings.LastIndex(address, "/")+1:], Title: l.Subject, Message: strings.TrimSpace(l.plain()), Priority: 3,
		Tags: []string{"desktop_computer"}, Click: l.Link, Sequence: id}
	if len(l.Parts) == 1 {
		n.Message = strings.Join(l.Parts[0].Below, "\n") // its head is the title
	}
	if l.Urgent {
		n.Priority, n.Tags = 5, []string{"raising_hand"}
	}
	return n
}

// teams is an adaptive card in the envelope that Teams' webhooks take.
type teams struct {
	Type        string       `json:"type"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string `json:"contentType"`
	Content     card   `json:"content"`
}

type card struct {
	Schema  string       `json:"$schema"`
	Type    string       `json:"type"`
	Version string       `json:"version"`
	Body    []textBlock  `json:"body"`
	Actions []cardAction `json:"actions,omitempty"`
}

type textBlock struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Wrap   bool   `json:"wrap"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
}

type cardAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

func teamsBody(l letterOf) teams {
	c := card{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4"}
	for _, p := range l.Parts {
		c.Body = append(c.Body, textBlock{Type: "TextBlock", Text: unmarked(p.Head), Wrap: true, Weight: "Bolder", Size: "Medium"})
		for _, line := range p.Below {
			c.Body = append(c.Body, textBlock{Type: "TextBlock", Text: unmarked(line), Wrap: true})
		}
	}
	c.Actions = []cardAction{{Type: "Action.OpenUrl", Title: l.Look, URL: l.Link}}
	return teams{Type: "message", Attachments: []attachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: c}}}
}

// unmarked keeps names from being read as Markdown, which cards understand.
func unmarked(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`", "~", `\~`, "#", `\#`).Replace(s)
}

// told is what a program reads.
type told struct {
	ID     string      `json:"id"`
	Text   string      `json:"text"`
	Link   string      `json:"link"`
	Events []toldEvent `json:"events"`
}

type toldEvent struct {
	Kind     Kind      `json:"kind"`
	Incident string    `json:"incident,omitempty"`
	At       time.Time `json:"at"`
	Began    time.Time `json:"began,omitzero"`
	Site     string    `json:"site,omitempty"`
	Kiosk    string    `json:"kiosk,omitempty"`
	Name     string    `json:"name,omitempty"`
	Code     string    `json:"code,omitempty"`
	Severity string    `json:"severity,omitempty"`
}

func jsonBody(id string, l letterOf, events []Event) told {
	t := told{ID: id, Text: strings.TrimSpace(l.plain()), Link: l.Link, Events: []toldEvent{}}
	for _, e := range events {
		t.Events = append(t.Events, toldEvent{e.Kind, e.Incident, e.At.UTC(), e.Began.UTC(), string(e.Site), string(e.Kiosk), where(e), string(e.Code), string(e.Severity)})
	}
	return t
}
