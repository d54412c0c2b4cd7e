// Package layers holds what may import what, each rule with its reason, and
// what must not stand anywhere in the tree. Its tests read the tree and say
// which rule is broken, and why the rule is there.
//
// It is for whoever changes the structure: a new edge between packages is a
// line here, with a reason. Nothing imports it.
package layers

// Module is the name before every import path of ours.
const Module = "yhteiskone"

// door is a module that few packages import; "tests" stands for test files
// everywhere.
type door struct{ module, only, why string }

func doors() []door {
	return []door{
		{"github.com/gorilla/websocket", "internal/link", "frozen upstream: limits, one writer and close codes are put right in one place, and it can be exchanged there"},
		{"github.com/zserge/lorca", "kiosk/screen", "abandoned upstream: any page that it loads may call us, and its calls hang; screen alone knows how to live with that"},
		{"github.com/shirou/gopsutil", "kiosk/health", "v3 is final: moving to the next is a change of one package"},
		{"go.etcd.io/bbolt", "agent/store", "values are valid inside a transaction only, and what is on disk is one package's promise"},
		{"github.com/coreos/go-oidc", "agent/staff/oidc", "who vouches for people is asked and checked in one place"},
		{"golang.org/x/oauth2", "agent/staff/oidc", "who vouches for people is asked and checked in one place"},
		{"github.com/pquerna/otp", "agent/staff tests", "codes are computed there; whether one counts, and once only, is decided there"},
		{"github.com/jezek/xgb", "kiosk/display", "one connection to X, whose loss one package notices"},
		{"golang.org/x/net/websocket", "nothing", "it is lorca's; ours is internal/link"},
		{"github.com/wneessen/go-mail", "agent/notify", "mail leaves through one place, which says what may be in it"},
		{"golang.org/x/crypto/acme", "agent/front", "who issues certificates is asked beside where they are shown"},
		{"github.com/diskfs/go-diskfs", "provision/write", "it writes one file into one partition: what it may touch is held there"},
		{"github.com/insomniacslk/dhcp", "provision/serve", "network cards are answered in one place, and only there"},
		{"github.com/pin/tftp", "provision/serve", "it hands out two files of iPXE, and nothing else of the machine"},
		{"github.com/letsencrypt", "tests", "an authority for checks; no part of the product"},
		{"github.com/chromedp", "tests internal/e2e internal/dev", "a debugged browser is for looking at the dashboard in checks and pictures; a client's is never debugged"},
	}
}

// edge is a package that may import another of ours.
type edge struct{ from, to, why string }

// edges between packages of ours. A program's own folder (its main) imports
// its tree and internal; a package may import its own sub-folders and the
// other way round. Nothing else is allowed, tests apart.
func edges() []edge {
	return []edge{
		{"internal/wire", "internal/fleet", "messages are made of fleet's words"},
		{"internal/proof", "internal/fleet", "it signs fleet's WipeProof"},
		{"internal/identity", "internal/fleet", "it makes a KioskID"},
		{"internal/acceptance", "internal/fleet", "it words the rows of fleet's Sheet"},
		{"internal/link", "internal/wire", "it carries wire's messages"},

		{"kiosk/browser", "kiosk/session", "it implements session's Browser"},
		{"kiosk/browser", "kiosk/procs", "it kills what a session started"},
		{"kiosk/browser", "kiosk/door", "it starts a session's door, and the launcher that hands it its socket"},
		{"kiosk/browser", "kiosk/group", "a session is started in a control group and ended by it"},
		{"kiosk/browser", "kiosk/rights", "it asks whether it may start a browser as another user"},
		{"kiosk/browser", "kiosk/spawn", "it starts a session's programs in units of their own"},
		{"kiosk/screen", "kiosk/spawn", "it starts the shell in a unit of its own"},
		{"kiosk/spawn", "kiosk/group", "it says whether its unit is bounded"},
		{"kiosk/spawn/spawntest", "kiosk/spawn", "it starts what package spawn is in a unit"},
		{"kiosk/door", "kiosk/rights", "it gives up every right before it serves"},
		{"kiosk/wipe", "kiosk/session", "it implements session's Wiper"},
		{"kiosk/wipe", "kiosk/procs", "it looks for processes that were left"},
		{"kiosk/screen", "kiosk/session", "it implements session's Screen and draws its View"},
		{"kiosk/screen", "kiosk/catalogue", "it draws the tiles"},
		{"kiosk/screen", "kiosk/display", "the shell is a window that it moves, and its curtain one of the server's"},
		{"kiosk/keyboard", "kiosk/display", "its keys are drawn on one of the server's windows and pressed through it"},
		{"kiosk/catalogue", "kiosk/session", "it implements session's Tiles"},
		{"kiosk/accept/look", "kiosk/accept", "it fills accept's readings"},

		{"agent/gate", "agent/state", "it hands on what kiosks say"},
		{"agent/watch", "agent/state", "it judges a View"},
		{"agent/dashboard", "agent/state", "it draws Views"},
		{"agent/dashboard", "agent/staff", "it asks who is signed in and what they may do"},
		{"agent/dashboard", "agent/figures", "it shows a month's numbers as far as figures lets them out"},
		{"agent/store", "agent/figures", "it keeps the marks of the desk's tally"},
		{"agent/store", "agent/gate", "it implements gate's store"},
		{"agent/store", "agent/staff", "it implements staff's accounts, sessions and tokens"},
		{"agent/store", "agent/state", "it keeps what state starts from"},
		{"agent/store/storetest", "agent/gate", "it tries gate's store, whatever the engine"},
		{"agent/store/storetest", "agent/staff", "it tries staff's accounts, sessions and tokens, whatever the engine"},
		{"agent/store/storetest", "agent/state", "it tries what state starts from, whatever the engine"},
		{"agent/store", "agent/notify", "it keeps what people are to be told until they are"},
		{"agent/store", "agent/premises", "it keeps what sites decide"},
		{"agent/dashboard", "agent/premises", "its pages are where sites decide"},
		{"agent/dashboard", "agent/notify", "its pages say who is told of what, and what could not be told"},

		{"provision/image", "provision/gpt", "the table of the disk that it builds"},
		{"provision/write", "provision/gpt", "the table by which it knows a kiosk's image"},
		{"provision/write/writetest", "provision/gpt", "the table of its small images"},
		{"provision/write", "provision/disk", "it writes to what disk found, and says what is wrong in its words"},
		{"provision/install", "provision/disk", "it shows the disks that disk found, and says what is wrong in its words"},
		{"provision/serve", "provision/disk", "it says what is wrong in disk's words"},
		{"provision/serve", "provision/write", "it hands out an image that write knows as a kiosk's"},
		{"provision/serve", "provision/lan", "it hears what machines say"},
		{"provision/early", "provision/lan", "it says to the server how far its machine is"},
		{"provision/install", "provision/write", "it has write put the running image onto a disk"},

		{"internal/dev/soak", "kiosk/uplink", "many kiosks' real lines in one process, which no command runs"},
		{"internal/dev/soak", "agent/store", "it counts what was kept, once the agent has ended"},
	}
}

// bound is a package of a program that may import of internal only what is
// listed.
type bound struct{ of, may, why string }

func bounds() []bound {
	return []bound{
		{"kiosk/session", "internal/fleet", "the state machine knows words and ports, not keys or wires"},
		{"kiosk/wipe", "internal/fleet", "what looks for left-overs must not be able to tell anybody"},
		{"kiosk/health", "internal/fleet", "sensors know readings only"},
		{"kiosk/update", "internal/fleet internal/release", "it is handed a source; whom it trusts is a key, not a line"},
		{"kiosk/accept", "internal/fleet", "rules: what was found becomes a sheet's rows"},
		{"kiosk/accept/look", "", "it reads the machine"},
		{"kiosk/check", "", "it must run on a machine where nothing works yet"},
		{"kiosk/procs", "", "it reads /proc"},
		{"kiosk/keyboard", "", "what the client types must have no way out"},
		{"kiosk/speech", "", "what the client hears must have no way out"},
		{"kiosk/door", "", "it knows addresses only while they are connected to"},
		{"kiosk/group", "", "it makes and ends control groups"},
		{"kiosk/spawn", "kiosk/group", "it knows nothing of what it starts"},
		{"kiosk/wake", "", "it sends one packet"},
		{"kiosk/rights", "", "it reads and drops capabilities"},
		{"kiosk/display", "internal/fleet", "it moves windows"},
		{"agent/watch", "internal/fleet", "pure rules and a clock"},
		{"agent/state", "internal/fleet", "now, in memory"},
		{"agent/sight", "", "it asks whether there is a network"},
		{"agent/releases", "internal/fleet internal/release", "it keeps files and knows no line and no people"},
		{"agent/premises", "internal/fleet", "words and forms, no keys and links"},
		{"agent/notify", "internal/fleet", "it tells people, never kiosks"},
		{"agent/dashboard", "internal/fleet internal/wire", "pages know nothing of keys and links"},
		{"agent/figures", "internal/fleet", "sums and what may be said of them"},
	}
}

// ban is a part of the standard library that a package must not reach,
// neither itself nor through packages of ours.
type ban struct{ of, std, why string }

func bans() []ban {
	return []ban{
		{"internal/fleet", "os net io bufio context log crypto database", "words: no I/O, no secrets"},
		{"internal/proof", "os net log", "canonical bytes and signatures only"},
		{"internal/release", "net log", "what judges a release looks at files and keys only"},
		{"internal/wire", "os net log", "it encodes and decodes, it never connects"},
		{"kiosk/speech", "net log", "the words go to the voice and nowhere else"},
		{"kiosk/wipe", "net", "what looks for left-overs must not be able to tell anybody"},
		{"kiosk/session", "os net", "a state machine over ports, so that its tests need no machine"},
		{"kiosk/accept", "os net log", "pure rules"},
		{"agent/watch", "os net log", "pure rules and a clock"},
		{"agent/figures", "os net log", "sums and what may be said of them"},
		{"agent/premises", "os net log", "it reads and writes forms, nothing else"},
		{"agent/state", "os net", "now, in memory; store keeps what must survive"},
	}
}

// programs never import each other, and internal imports none of them.
func programs() []string { return []string{"kiosk", "agent", "provision"} }

// word is a piece of text that must not stand in the tree.
type word struct{ text, why string }

// words are put together from pieces, so that this file is no exception.
func words() []word {
	return []word{
		{"--no-" + "sandbox", "Chromium's sandbox is always on; run as another user instead"},
		{"Insecure" + "SkipVerify", "every certificate is checked, against the system's roots or the agent's authority"},
		{"TO" + "DO:", "finish it, or say in README.md what is not done"},
		{"FIX" + "ME", "finish it, or say in README.md what is not done"},
		{"proxy.go" + "lang.org", "where modules come from is the machine's setting"},
		{"sum.go" + "lang.org", "where modules come from is the machine's setting"},
		{"deb.deb" + "ian.org", "where packages come from is the machine's setting"},
		{"security.deb" + "ian.org", "where packages come from is the machine's setting"},
		{"registry.np" + "mjs", "where packages come from is the machine's setting"},
	}
}

// sleeps are the files that wait without a condition, each with its reason.
func sleeps() map[string]string {
	return map[string]string{}
}

// lineLimit is how long a Go file may be that is not a test.
const lineLimit = 400
