package image

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// installed is one package of the tree.
type installed struct{ name, version, source, sourceVersion string }

// papers writes what is in the image beside it: the list of packages, and the
// same as SPDX for tools that look for known holes.
func (b *builder) papers(ctx context.Context, root, name string) error {
	said, err := b.tool(ctx, nil, "chroot", root, "dpkg-query", "-W", `-f=${Package}\t${Version}\t${source:Package}\t${source:Version}\n`)
	if err != nil {
		return fmt.Errorf("list the packages: %w", err)
	}
	all := parseInstalled(said)
	var list strings.Builder
	for _, p := range all {
		fmt.Fprintf(&list, "%s\t%s\n", p.name, p.version)
	}
	if err := os.WriteFile(name+".packages", []byte(list.String()), 0o644); err != nil {
		return fmt.Errorf("list the packages: %w", err)
	}
	text, err := spdx(all, b.Version, b.Epoch)
	if err != nil {
		return fmt.Errorf("list the packages: %w", err)
	}
	if err := os.WriteFile(name+".spdx.json", text, 0o644); err != nil {
		return fmt.Errorf("list the packages: %w", err)
	}
	return nil
}

func parseInstalled(said string) []installed {
	var all []installed
	for line := range strings.Lines(said) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) == 4 {
			all = append(all, installed{f[0], f[1], f[2], f[3]})
		}
	}
	slices.SortFunc(all, func(a, b installed) int { return strings.Compare(a.name, b.name) })
	return all
}

// Parts of an SPDX 2.3 document, as far as we fill them.
type (
	spdxDocument struct {
		Version   string        `json:"spdxVersion"`
		License   string        `json:"dataLicense"`
		ID        string        `json:"SPDXID"`
		Name      string        `json:"name"`
		Namespace string        `json:"documentNamespace"`
		Creation  spdxCreation  `json:"creationInfo"`
		Describes []string      `json:"documentDescribes"`
		Packages  []spdxPackage `json:"packages"`
		Relations []spdxLink    `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		ID       string    `json:"SPDXID"`
		Name     string    `json:"name"`
		Version  string    `json:"versionInfo"`
		Download string    `json:"downloadLocation"`
		Analyzed bool      `json:"filesAnalyzed"`
		Source   string    `json:"sourceInfo,omitempty"`
		Refs     []spdxRef `json:"externalRefs,omitempty"`
	}
	spdxRef struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxLink struct {
		From string `json:"spdxElementId"`
		Kind string `json:"relationshipType"`
		To   string `json:"relatedSpdxElement"`
	}
)

func spdx(all []installed, version string, at time.Time) ([]byte, error) {
	const image = "SPDXRef-image"
	d := spdxDocument{Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: "yhteiskone-" + version,
		Namespace: "urn:yhteiskone:image:" + version,
		Creation:  spdxCreation{at.UTC().Format(time.RFC3339), []string{"Tool: yhteiskone-provision"}}, Describes: []string{image},
		Packages: []spdxPackage{{ID: image, Name: "yhteiskone", Version: version, Download: "NOASSERTION"}}}
	for _, p := range all {
		id := "SPDXRef-" + strings.Map(func(r rune) rune {
			if r == '+' {
				return '-'
			}
			return r
		}, p.name)
		d.Packages = append(d.Packages, spdxPackage{ID: id, Name: p.name, Version: p.version, Download: "NOASSERTION",
			Source: "built from " + p.source + " " + p.sourceVersion,
			Refs:   []spdxRef{{"PACKAGE-MANAGER", "purl", "pkg:deb/debian/" + p.name + "@" + strings.ReplaceAll(strings.ReplaceAll(p.version, "+", "%2B"), ":", "%3A")}}})
		d.Relations = append(d.Relations, spdxLink{image, "CONTAINS", id})
	}
	text, err := json.MarshalIndent(d, "", " ")
	return append(text, '\n'), err
}
