package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
)

// ErrNoBrowser says that no browser runs whose policies could be looked at.
var ErrNoBrowser = errors.New("no browser runs")

// Held says of each way out (kiosk/ESCAPES.md) that policies stop whether all
// of them lie in the folder that the running browser has as its own. It reads
// our policies and nothing that the browser made.
func (b *Browser) Held() (map[int]bool, error) {
	r := b.reigns.Load()
	if r == nil {
		return nil, ErrNoBrowser
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, ErrNoBrowser
	}
	text, err := os.ReadFile(filepath.Join(r.book.dir, policyFile))
	if err != nil {
		return nil, fmt.Errorf("look at the policies: %w", err)
	}
	return held(r.policy.Rules(), text)
}

// held compares the rules with a policy file. What cannot be read holds nothing.
func held(rules []Rule, text []byte) (map[int]bool, error) {
	var there map[string]any
	if err := json.Unmarshal(text, &there); err != nil {
		there = nil
	}
	all := map[int]bool{}
	for _, rule := range rules {
		wanted, err := json.Marshal(rule.Value)
		if err != nil {
			return nil, fmt.Errorf("look at the policies: %w", err)
		}
		var want any
		if err := json.Unmarshal(wanted, &want); err != nil {
			return nil, fmt.Errorf("look at the policies: %w", err)
		}
		value, ok := there[rule.Name]
		for _, n := range rule.Stops {
			before, known := all[n]
			all[n] = (before || !known) && ok && reflect.DeepEqual(value, want)
		}
	}
	return all, nil
}
