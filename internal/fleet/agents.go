package fleet

import (
	"fmt"
	"regexp"
)

// AgentsMost is how many other addresses of the agent settings hold at most.
const AgentsMost = 5

// The base addresses of an agent: by https anywhere, by http on this very
// machine. A port may follow.
var (
	agentAnywhere = regexp.MustCompile(`^https://(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?$`)
	agentHere     = regexp.MustCompile(`^http://(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?/?$`)
)

// CheckAgent says in one sentence what is wrong with a base address of the
// agent, or returns nil: https, or http on this very machine. It may be in the
// house's own network: who answers there proves to be the agent or is nobody.
func CheckAgent(address string) error {
	if len(address) <= AddressLimit && (agentAnywhere.MatchString(address) || agentHere.MatchString(address)) {
		return nil
	}
	return fmt.Errorf("%.80q is not an address such as \"https://agent.example.fi:8443\"", address)
}
