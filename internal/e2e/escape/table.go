// Package escape holds the 47 ways out of a kiosk as a table: what is tried,
// what stops it, and where that is tried. Its tests try every row that is
// marked `here` by mouse and keyboard in a session of a real kiosk; the boot
// test of the image and the acceptance sheet take the others from the table.
//
// Site is the test site whose pages try to get out and say what came of it.
// The tests read the screen's windows, their titles and the clipboard of that
// site's own pages; nothing like that exists in the product.
//
// Caveat: a row that passes here says what this Chromium, this openbox and this
// kernel do. Rows marked `image` and `hand` are not tried by this package.
package escape

import "slices"

// Where a row is tried.
type Where string

// The places.
const (
	TriedHere  Where = "here"  // by the tests of this package, see Row.Lists
	TriedImage Where = "image" // by the boot test of the image
	TriedHand  Where = "hand"  // by a person with the machine, from the acceptance sheet
)

// Row is one way out.
type Row struct {
	N       int
	Attempt string
	Stops   string // what stops it
	Where   Where
	How     string // image, hand: exactly what to do and what must be seen
	Why     string // image, hand: why it cannot be tried here
}

// Lists reports whether the two modes may answer the row differently: they
// differ in the lists of addresses only, which a test of kiosk/browser holds. Such
// rows are tried in both modes whenever the checks run; the others in `open`, and
// in both by `make escapes`.
func (r Row) Lists() bool {
	return r.N <= 9 || slices.Contains([]int{17, 21, 22, 25, 42, 43, 45}, r.N)
}

// Table is all rows, in their order. None is left out.
func Table() []Row {
	return append(append(addresses(), windows()...), machine()...)
}

func here(n int, attempt, stops string) Row {
	return Row{N: n, Attempt: attempt, Stops: stops, Where: TriedHere}
}

// addresses are the ways out by an address, a file or a dialog.
func addresses() []Row {
	return []Row{
		here(1, "Files of the machine: file:// typed, linked, framed, fetched, redirected to", "policy URLBlocklist file://*; the browser's mount namespace has an empty home and a handful of files of /etc"),
		here(2, "Page source: view-source: typed, Ctrl+U", "policies URLBlocklist view-source:* and DeveloperToolsAvailability"),
		here(3, "Internal pages: chrome://settings, flags, extensions, net-export, inspect and others", "policy URLBlocklist chrome://*; the print preview alone is allowed"),
		here(4, "Pages of the developer tools: devtools://, chrome-untrusted://", "policies URLBlocklist and DeveloperToolsAvailability"),
		here(5, "Crash and quit pages: chrome://kill, crash, quit, restart, hang", "policy URLBlocklist chrome://*; a browser that ends is a session that ends"),
		here(6, "javascript: typed, as a bookmarklet, dragged", "policies URLBlocklist javascript://*, EditBookmarksEnabled and BookmarkBarEnabled"),
		here(7, "data: and blob: pages", "such a page has no more rights than the site that made it, and every rule holds for what it frames and opens"),
		here(8, "Links that start programs: ftp mailto tel sms news telnet intent market ms-* steam", "no program to start: xdg-open is masked in the session's namespace, and no handler is installed"),
		here(9, "Links of a bank's or an identification service's own program", "as 8: the question of the browser leads nowhere, and the page stays"),
		here(10, "Opening a file: Ctrl+O", "the dialog sees the session's namespace only; policy URLBlocklist file://*"),
		here(11, "Saving a page: Ctrl+S", "policy DownloadDirectory: it lands in the session's downloads; the namespace's system folders are read-only"),
		here(12, "Attaching a file from anywhere: the kiosk's key, the machine's files", "the dialog sees the session's namespace only"),
		here(13, "Files and folders by showOpenFilePicker, showDirectoryPicker, showSaveFilePicker", "policies DefaultFileSystemReadGuardSetting and DefaultFileSystemWriteGuardSetting"),
		here(14, "The viewer of PDFs: links, saving", "as 1 and 11"),
		here(15, "Printing into a file: Ctrl+P", "policy PrinterTypeDenyList"),
		here(16, "The system's print dialog: Ctrl+Shift+P, printing into a file", "GTK's settings in the session's namespace name no backend but the print server"),
		here(17, "Help: F1", "the help is a page of the web: policy, and in errands the allow list"),
	}
}

// windows are the ways out by keys, menus, windows and what is left of others.
func windows() []Row {
	return []Row{
		here(18, "Full screen and the window itself: F11, Esc, Alt+Space, a page that asks, every item of the title's menu", "policy FullscreenAllowed; a window manager without keys, menus and frames; the kiosk puts the window back"),
		here(19, "Developer tools: F12, Ctrl+Shift+I/J/C", "policy DeveloperToolsAvailability"),
		here(20, "Every item of the right button's menus", "policies; what opens is a page under the same rules"),
		here(21, "New windows and tabs: Ctrl+N, Ctrl+T, Ctrl+Shift+N, Ctrl+Shift+M, Shift, middle and Ctrl click", "every window has the same policies; policies IncognitoModeAvailability, BrowserGuestModeEnabled, BrowserAddPersonEnabled"),
		here(22, "A pop-up's address, the site's information, the site's settings", "policy URLBlocklist chrome://*"),
		here(23, "Closing the browser: Ctrl+W, Ctrl+F4, Alt+F4, Ctrl+Shift+W, Ctrl+Shift+Q, window.close()", "the browser's end is the session's end: curtain, wipe, proof"),
		here(24, "Tabs of before: Ctrl+Shift+T, a restore bubble, after kill -9 of the browser", "a fresh profile in memory for each session"),
		here(25, "History, downloads, bookmarks, deletion: Ctrl+H, Ctrl+J, Ctrl+Shift+O, Ctrl+D, Ctrl+Shift+Del", "policies URLBlocklist chrome://* and EditBookmarksEnabled"),
		here(26, "The browser's task manager: Shift+Esc", "policy TaskManagerEndProcessEnabled"),
		here(27, "The keyboard in the browser's bars: Ctrl+L, Alt+D, F6, F7, Ctrl+F", "nothing there leads out: what is typed goes through the policies"),
		here(28, "Pages of the client before: Alt+Left, Alt+Home, Back", "a fresh profile in memory for each session; the waiting page leaves no history"),
		here(29, "A desktop's keys: Alt+Tab, Super with R, D, E, the right Super, Menu, media keys", "a window manager without keys"),
	}
}
