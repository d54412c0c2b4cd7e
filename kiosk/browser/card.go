package browser

import (
	"fmt"
	"path/filepath"
	"slices"
)

// With a card reader plugged in when a session begins, its browser reaches the
// machine's card service and knows OpenSC, so that a client can identify herself
// with the certificate on her identity card. Without one neither is there.
const (
	cardSocket  = "/run/pcscd/pcscd.comm"
	cardModules = insideHome + "/.pki/nssdb/pkcs11.txt" // where Chromium looks
)

// cardDrivers is where Debian has OpenSC's module for cards with one PIN's
// certificates: that of identification, not that of signatures, whose PIN nobody
// should be asked for here.
const cardDrivers = "/usr/lib/*/pkcs11/onepin-opensc-pkcs11.so"

// card is what the browser needs for a card; nil without a reader or a module.
func (b *Browser) card() []content {
	if b.o.Card == nil || !b.o.Card() {
		return nil
	}
	found, err := filepath.Glob(cardDrivers)
	if err != nil || len(found) == 0 {
		return nil
	}
	return []content{{cardModules, "0600", false, modules(slices.Min(found))}}
}

// modules is NSS's list of modules (pkcs11.txt of a database of the kind "sql"):
// its own, and the driver.
func modules(driver string) []byte {
	return fmt.Appendf(nil, `library=
name=NSS Internal PKCS #11 Module
parameters=configdir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db' flags= updatedir='' updateCertPrefix='' updateKeyPrefix='' updateid='' updateTokenDescription=''
NSS=Flags=internal,critical trustOrder=75 cipherOrder=100 slotParams=(1={slotFlags=[ECC,RSA,DSA,DH,RC2,RC4,DES,RANDOM,SHA1,MD5,MD2,SSL,TLS,AES,Camellia,SEED,SHA256,SHA512] askpw=any timeout=30})

library=%s
name=OpenSC
NSS=trustOrder=100

`, filepath.Dir(cardModules), driver)
}
