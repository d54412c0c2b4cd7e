package staff

import (
	"context"
	"testing"

	"github.com/alexedwards/argon2id"
)

// A name that nobody has costs as much as one that somebody has: its hash is
// read without an error and has the same parameters. No password is right.
func TestNobody(t *testing.T) {
	h, err := newHasher()
	if err != nil {
		t.Fatal(err)
	}
	params, _, _, err := argon2id.DecodeHash(h.nobody)
	if err != nil || *params != *h.params {
		t.Errorf("%+v %v, want %+v", params, err, h.params)
	}
	if ok, err := h.check(context.Background(), "nobody's password", ""); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}
