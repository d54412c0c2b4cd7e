package main

import "testing"

func TestInUnit(t *testing.T) {
	for groups, want := range map[string]bool{
		"0::/system.slice/system-yhteiskone\\x2dshell.slice/yhteiskone-shell@0-572-800.service\n":       true,
		"0::/system.slice/system-yhteiskone\\x2dshell.slice/yhteiskone-shell@0-572-800.service/below\n": true,
		"0::/system.slice/yhteiskone.service\n":                                                         false,
		"0::/system.slice/yhteiskone-shell@0.scope\n":                                                   false,
		"0::/user.slice/not-yhteiskone-shell@0.service\n":                                               false,
		"1:name=systemd:/yhteiskone-shell@0.service\n":                                                  false,
		"0::/\n": false,
		"":       false,
	} {
		if got := inUnit(groups, shellService); got != want {
			t.Errorf("%q: %v", groups, got)
		}
	}
}
