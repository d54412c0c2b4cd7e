package session

// Snag is why a machine cannot begin to serve. It is for the technician who
// stands before it; clients have nothing of their own there yet.
type Snag string

// What may be wrong, as the curtain and `kiosk status` call it.
const (
	NoSnag         Snag = ""
	SnagNoNetwork  Snag = "no_network"   // no address from the network
	SnagNoAgent    Snag = "no_agent"     // the agent does not answer, or somebody else does
	SnagNoJoin     Snag = "no_join"      // not enrolled, and no join file
	SnagBadJoin    Snag = "bad_join"     // the join file cannot be read
	SnagRefused    Snag = "join_refused" // the agent does not take its code
	SnagDataGone   Snag = "data_gone"    // the state is not on a disk
	SnagDataBroken Snag = "data_broken"  // the state cannot be read or written
	SnagDataFull   Snag = "data_full"    // there is no room for it
)

// Snags are all of them.
func Snags() []Snag {
	return []Snag{SnagNoNetwork, SnagNoAgent, SnagNoJoin, SnagBadJoin, SnagRefused, SnagDataGone, SnagDataBroken, SnagDataFull}
}

// Waits reports whether the machine goes on by itself once somebody mended
// what is wrong. What is wrong with its disk is mended by a restart.
func (s Snag) Waits() bool {
	return s != SnagDataGone && s != SnagDataBroken && s != SnagDataFull
}
