package wire

// Addresses of releases at the agent, for technicians with a bearer token at
// every site.
//
// POST ReleasesPath begins: a ReleaseBegin in, a ReleaseHas out, which says how
// much of each file the agent has from before. Then each file goes in pieces of
// at most ReleasePiece bytes, one after the other: PUT
// ReleasesPath/VERSION/FILE?from=N with the bytes themselves, and again a
// ReleaseHas. POST ReleasesPath/VERSION ends: the agent makes sure of every
// file, and from then on kiosks may be offered the release. Every other answer
// is a Refusal. Whatever breaks off may begin anew.
const (
	ReleasesPath      = "/api/v1/releases"
	ReleasePiece      = 1 << 20
	ReleaseBeginLimit = 32 << 10
)

// ReleaseBegin is a manifest as it was signed.
type ReleaseBegin struct {
	Manifest  []byte `json:"manifest"`
	Signature []byte `json:"signature"`
}

// ReleaseHas says what the agent has of a release.
type ReleaseHas struct {
	Version string           `json:"version"`
	Have    map[string]int64 `json:"have,omitempty"`
	Kept    bool             `json:"kept,omitempty"` // all of it
}
