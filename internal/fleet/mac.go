package fleet

import "fmt"

// CheckMAC says in one sentence what is wrong with the hardware address of a
// machine's network card, or returns nil. It is written as in
// "52:54:00:12:34:56", and is one card's, not everybody's.
func CheckMAC(mac string) error {
	bad := fmt.Errorf("%.40q is not a network card's address such as \"52:54:00:12:34:56\"", mac)
	if len(mac) != 17 || mac == "00:00:00:00:00:00" {
		return bad
	}
	for i, c := range []byte(mac) {
		switch {
		case i%3 == 2 && c == ':':
		case i%3 != 2 && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f'):
		default:
			return bad
		}
	}
	switch mac[1] { // the lowest bit of the first byte: a group's
	case '1', '3', '5', '7', '9', 'b', 'd', 'f':
		return bad
	}
	return nil
}
