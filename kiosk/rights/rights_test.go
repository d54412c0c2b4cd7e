package rights

import "testing"

func TestParse(t *testing.T) {
	h, err := parse("Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t00000000000000e0\nCapEff:\t00000000000000e0\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000020\n")
	if err != nil || h != (Held{0xe0, 0xe0, 0x20}) || !h.OtherUser() {
		t.Errorf("%+v, %v", h, err)
	}
	for _, h := range []Held{{}, {0xc0, 0xe0, 0}, {0xe0, 0xc0, 0}, {0x60, 0x60, 0}, {0xa0, 0xa0, 0}} {
		if h.OtherUser() {
			t.Errorf("%x is taken for enough", h)
		}
	}
	for _, bad := range []string{"", "CapPrm:\t0\nCapEff:\t0\n", "CapPrm:\tx\nCapEff:\t0\nCapAmb:\t0\n"} {
		if h, err := parse(bad); err == nil {
			t.Errorf("%q became %+v", bad, h)
		}
	}
}

// What has no rights has none to give up, and is not hindered.
func TestNothingToGiveUp(t *testing.T) {
	h, err := Now()
	if err != nil {
		t.Fatal(err)
	}
	if h != (Held{}) {
		t.Skip("this test runs as a user without rights")
	}
	if err := KeepToOurselves(); err != nil {
		t.Error(err)
	}
	if err := Drop(); err != nil {
		t.Error(err)
	}
}
