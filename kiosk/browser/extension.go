package browser

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// The extension is how our own words come into the client's browser; see
// extension/worker.js. It has no right to any page, and what a client may open
// does not depend on it.
//
//go:embed extension
var extensionFiles embed.FS

// insideExtension is where the sandbox has it, read-only.
const insideExtension = "/opt/yhteiskone"

// extensionContents are its files.
func extensionContents() ([]content, error) {
	var all []content
	for _, name := range []string{"manifest.json", "schema.json", "worker.js"} {
		data, err := extensionFiles.ReadFile("extension/" + name)
		if err != nil {
			return nil, fmt.Errorf("read the extension: %w", err)
		}
		all = append(all, content{insideExtension + "/" + name, "0444", true, data})
	}
	return all, nil
}

// extensionID is its name in policies. Chromium makes it of the key in the
// manifest, which is there for nothing else.
func extensionID() (string, error) {
	data, err := extensionFiles.ReadFile("extension/manifest.json")
	if err != nil {
		return "", fmt.Errorf("read the extension: %w", err)
	}
	var manifest struct{ Key string }
	if err := json.Unmarshal(data, &manifest); err != nil {
		return "", fmt.Errorf("read the extension's manifest: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(manifest.Key)
	if err != nil {
		return "", fmt.Errorf("read the extension's key: %w", err)
	}
	sum := sha256.Sum256(key)
	id := make([]byte, 0, 32)
	for _, b := range sum[:16] {
		id = append(id, 'a'+b>>4, 'a'+b&15)
	}
	return string(id), nil
}

// said is what the extension is told, by way of the policy.
type said struct {
	Pages    string `json:"pages"`    // where our own pages are: http://127.0.0.1:PORT
	List     bool   `json:"list"`     // only the centre's block list holds
	Contrast bool   `json:"contrast"` // of our own pages
	Sizes    []int  `json:"sizes"`    // in percent: at the start, and each one chosen since
}
