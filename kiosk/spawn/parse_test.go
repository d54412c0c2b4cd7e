package spawn

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"path":"/bin/true","args":["true"],"env":null}`))
	f.Add([]byte(`{"path":"/bin/true","args":[]}`))
	f.Add([]byte(`{"path":"true","args":["true"]} {}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := parse(text)
		if err != nil {
			return
		}
		if o.Path == "" || o.Path[0] != '/' || len(o.Args) == 0 {
			t.Fatalf("%q was accepted as %+v", text, o)
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if o2, err := parse(again); err != nil || !bytes.Equal(again, must(json.Marshal(o2))) {
			t.Fatalf("%s is not read as it was written: %v", again, err)
		}
	})
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
