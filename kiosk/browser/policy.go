package browser

import (
	"encoding/json"
	"fmt"
	"slices"

	"yhteiskone/kiosk/door"
)

// Rule is one managed policy of the client's Chromium.
type Rule struct {
	Name  string
	Value any
	Why   string
	// Stops are the numbers of the attempts to get out of the kiosk that the
	// rule stops; see attempts.
	Stops []int
}

// attempts are the ways out of a kiosk browser that a policy has to stop, by
// the number under which they are tested on the built image. Those that other
// parts stop (the sandbox, the window manager, the image) are not listed.
func attempts() map[int]string {
	return map[int]string{
		1: "files of the machine by file://", 2: "page source", 3: "internal chrome:// pages",
		4: "devtools:// and chrome-untrusted:// pages", 5: "crash and quit pages", 6: "javascript: in the address bar",
		8: "links that start other programs", 13: "whole folders given to a page", 15: "printing into a file",
		17: "the help page", 18: "full screen over the strip", 19: "developer tools", 20: "the menu of the right button",
		21: "windows without our rules", 22: "site settings", 24: "restoring the tabs of before", 25: "history, downloads, bookmarks",
		26: "the task manager", 28: "the pages of a client before", 42: "a page that talks to this machine or the house's network",
		44: "prompts that keep something or sign somebody in", 45: "extensions and user scripts", 46: "opening a harmful download",
		47: "a page that takes the machine for itself",
	}
}

// Policy is what the rules need to know of the kiosk.
type Policy struct {
	Pages      string // where our own pages are: http://127.0.0.1:PORT
	Extension  string // its identifier
	SearchName string
	SearchURL  string   // with {searchTerms}
	Errands    bool     // only Allow is open, else the whole web
	Allow      []string // host patterns, as fleet.CheckHost has them
	Blocked    []string // host patterns of the centre; they win
}

// home is the address of our home page.
func (p Policy) home() string { return p.Pages + "/home" }

// Rules is the whole table. Chromium gives no second chance: a name that it
// does not know is ignored without a word, so a test reads chrome://policy.
func (p Policy) Rules() []Rule {
	rules := append(p.places(), p.extensions()...)
	rules = append(rules, closedDoors()...)
	rules = append(rules, forgets()...)
	rules = append(rules, permissions()...)
	rules = append(rules, quiet()...)
	return append(rules, p.comforts()...)
}

// blockedAddresses are schemes, never sites. blob: and data: stay open because
// banks hand out their PDFs that way and such a page can do no more than the
// site that made it. tel: and mailto: stay open because a blocked link
// replaces the page that somebody was filling in; there is no program in the
// sandbox that they could start.
func blockedAddresses() []string {
	return []string{"chrome://*", "chrome-untrusted://*", "chrome-search://*", "devtools://*", "file://*",
		"view-source:*", "javascript://*", "ftp://*"}
}

// harmless are the schemes that a list of allowed sites has to name, for the
// reasons above.
func harmless() []string { return []string{"blob:*", "data:*", "mailto:*", "tel:*", "sms:*"} }

// webstore is where extensions come from.
const webstore = "https://clients2.google.com/service/update2/crx"

// places say where a client may go.
func (p Policy) places() []Rule {
	hosts := hosts{all: true, blocked: p.Blocked}
	if p.Errands {
		hosts.all, hosts.allowed = false, p.Allow
	}
	allow, block := hosts.filters()
	stops := []int{1, 2, 3, 4, 5, 6, 17, 22, 25, 45}
	open := []string{"chrome://print", "chrome-untrusted://print", "chrome://newtab", "chrome://omnibox-popup.top-chrome"}
	shut := append(blockedAddresses(), "chromewebstore.google.com")
	why := "pages of the machine and of Chromium itself; what the centre does not want"
	if p.Errands {
		why = "nothing but errands; pages of the machine and of Chromium itself"
		open = slices.Concat(open, harmless(), []string{p.Pages})
		shut = append(shut, "*")
	}
	return []Rule{
		{"URLBlocklist", append(shut, block...), why, stops},
		{"URLAllowlist", append(open, allow...), "the print preview, the new tab and what the address bar suggests are such pages; services and identification", nil},
	}
}

// extensions let in our own and none else. The usual block list of "*" would
// keep out ours, which comes with the command line.
func (p Policy) extensions() []Rule {
	return []Rule{
		{"ExtensionSettings", map[string]any{
			"*":                      map[string]any{"runtime_blocked_hosts": []string{"*://*"}},
			"update_url:" + webstore: map[string]any{"installation_mode": "blocked"},
			// Nobody can remove or disable it. It is updated with the kiosk: there is
			// nothing at that address.
			p.Extension: map[string]any{"installation_mode": "normal_installed", "update_url": p.Pages + "/none"},
		}, "no extension but our own is installed, and none reads a client's page", []int{45}},
		{"ExtensionAllowedTypes", []string{"extension"}, "no theme, app or user script", []int{45}},
		{"ExtensionDeveloperModeSettings", 1, "nobody loads one from a folder", []int{45}},
	}
}

func closedDoors() []Rule {
	return []Rule{
		{"DeveloperToolsAvailability", 2, "no developer tools, no page source", []int{2, 4, 19, 20}},
		{"ProxySettings", map[string]any{"ProxyMode": "fixed_servers", "ProxyServer": door.Proxy, "ProxyBypassList": "<-loopback>"},
			"the door is the only way out, to this machine and the house's network too", []int{42}},
		{"QuicAllowed", false, "the door carries TCP only", nil},
		{"WebRtcIPHandling", "disable_non_proxied_udp", "no page learns this machine's addresses from a call", []int{42}},
		{"MaxConnectionsPerProxy", 99, "all goes through one door, as much as Chromium can", nil},
		{"RemoteDebuggingAllowed", false, "nothing outside can drive the browser", []int{42}},
		{"IncognitoModeAvailability", 1, "every window follows the same rules", []int{21}},
		{"BrowserGuestModeEnabled", false, "every window follows the same rules", []int{21}},
		{"BrowserAddPersonEnabled", false, "every window follows the same rules", []int{21}},
		{"ProfilePickerOnStartupAvailability", 1, "every window follows the same rules", []int{21}},
		{"FullscreenAllowed", false, "full screen would cover the strip", []int{18, 47}},
		{"TaskManagerEndProcessEnabled", false, "nobody ends parts of the browser", []int{26}},
		{"AutoLaunchProtocolsFromOrigins", []any{}, "no site starts a program without a question", []int{8}},
		{"ExternalProtocolDialogShowAlwaysOpenCheckbox", false, "an answer does not outlive its question", []int{8}},
		{"LocalNetworkAccessBlockedForUrls", []string{"*"}, "no page looks around in the house's network", []int{42}},
		{"DownloadRestrictions", 4, "no download that is known to harm", []int{46}},
		{"AllowDinosaurEasterEgg", false, "a page that fails looks like one", []int{3}},
		{"BrowserLabsEnabled", false, "no experiments", []int{3}},
		{"CommandLineFlagSecurityWarningsEnabled", false, "nothing for the client to read about our flags", nil},
		{"PrinterTypeDenyList", []string{"extension", "pdf"}, "a print goes to a printer", []int{15}},
	}
}

func forgets() []Rule {
	return []Rule{
		{"BrowserSignin", 0, "no account in the browser", []int{44}},
		{"SyncDisabled", true, "nothing leaves for an account", []int{44}},
		{"ForceEphemeralProfiles", true, "the profile ends with the browser", []int{24, 28}},
		{"SavingBrowserHistoryDisabled", true, "no history", []int{25, 28}},
		{"AllowDeletingBrowserHistory", true, "who wants to delete may", nil},
		{"RestoreOnStartup", 5, "never the tabs of before", []int{24}},
		{"UserDataSnapshotRetentionLimit", 0, "no copy of the profile", []int{24}},
		{"PasswordManagerEnabled", false, "no offer to keep a password", []int{44}},
		{"PasswordLeakDetectionEnabled", false, "no password leaves for a check", []int{44}},
		{"PasswordManagerPasskeysEnabled", false, "no passkey kept here", []int{44}},
		{"PaymentMethodQueryEnabled", false, "no site asks for kept cards", []int{44}},
		{"AutofillSettings", []any{map[string]any{"url_pattern": "*", "blocked_types": []string{"all"}}}, "no offer to keep an address, a card or a document", []int{44}},
		{"AutofillPredictionSettings", 2, "no form leaves for a guess", []int{44}},
		{"ImportAutofillFormData", false, "nothing is taken over", []int{28}},
		{"ImportBookmarks", false, "nothing is taken over", []int{28}},
		{"ImportHistory", false, "nothing is taken over", []int{28}},
		{"ImportSavedPasswords", false, "nothing is taken over", []int{28}},
		{"BookmarkBarEnabled", false, "bookmarks would not be there next time", []int{25}},
		{"EditBookmarksEnabled", false, "bookmarks would not be there next time", []int{25}},
		{"ShowAppsShortcutInBookmarkBar", false, "bookmarks would not be there next time", []int{25}},
		{"BackgroundModeEnabled", false, "closed is closed", []int{47}},
		{"DiskCacheSize", 50 << 20, "the cache lies in memory", nil},
	}
}

func permissions() []Rule {
	return []Rule{
		{"DefaultNotificationsSetting", 2, "nobody is here to read it later", []int{44}},
		{"DefaultGeolocationSetting", 2, "the house's place is nobody's business", []int{44}},
		{"DefaultPopupsSetting", 1, "identification opens in a pop-up", nil},
		{"DefaultWebUsbGuardSetting", 2, "no devices for pages", []int{44}},
		{"DefaultWebHidGuardSetting", 2, "no devices for pages", []int{44}},
		{"DefaultWebBluetoothGuardSetting", 2, "no devices for pages", []int{44}},
		{"DefaultSerialGuardSetting", 2, "no devices for pages", []int{44}},
		{"DefaultSensorsSetting", 2, "no devices for pages", []int{44}},
		{"DefaultFileSystemReadGuardSetting", 2, "one file at a time, by the client's own choice", []int{13}},
		{"DefaultFileSystemWriteGuardSetting", 2, "a page writes downloads only", []int{13}},
		{"DefaultClipboardSetting", 3, "a page asks before it reads what was copied", []int{44}},
		{"DefaultLocalFontsSetting", 2, "no list of fonts for pages", []int{44}},
		{"DefaultWindowManagementSetting", 2, "no windows over the strip", []int{18, 47}},
		{"DefaultIdleDetectionSetting", 2, "no page learns when somebody left", []int{44}},
		{"DefaultInsecureContentSetting", 2, "a safe page has safe parts", nil},
		{"ScreenCaptureAllowed", false, "no page sees the screen", []int{44}},
		{"AudioCaptureAllowed", false, "no page hears the room", []int{44}},
		{"VideoCaptureAllowed", false, "no page sees the room", []int{44}},
		{"DesktopSharingHubEnabled", false, "no sending to devices", []int{20, 44}},
		{"WebAppInstallByUserEnabled", false, "no page becomes a window without an address", []int{44}},
		{"EnableMediaRouter", false, "no casting to devices", []int{44}},
		{"SSLErrorOverrideAllowed", false, "no click leads past a wrong certificate", nil},
		{"HttpsOnlyMode", "allowed", "old services are still reached", nil},
		{"BlockThirdPartyCookies", false, "identification needs them", nil},
	}
}

func quiet() []Rule {
	return []Rule{
		{"MetricsReportingEnabled", false, "nothing about the client leaves", nil},
		{"UrlKeyedAnonymizedDataCollectionEnabled", false, "nothing about the client leaves", nil},
		{"SearchSuggestEnabled", false, "half-typed words do not leave", nil},
		{"SpellCheckServiceEnabled", false, "typed words do not leave", nil},
		{"SpellcheckEnabled", false, "no list of learned words", nil},
		{"AlternateErrorPagesEnabled", false, "a wrong address does not leave", nil},
		{"NetworkPredictionOptions", 2, "only what was asked for is fetched", nil},
		{"TranslateEnabled", false, "no page leaves for a translation", []int{44}},
		{"LiveTranslateEnabled", false, "no page leaves for a translation", []int{44}},
		{"UserFeedbackAllowed", false, "no screen picture leaves", []int{44}},
		{"WebRtcEventLogCollectionAllowed", false, "no log of a call", nil},
		{"SafeBrowsingProtectionLevel", 1, "warnings yes, reports no", []int{46}},
		{"ComponentUpdatesEnabled", false, "the image updates Chromium", nil},
		{"DnsOverHttpsMode", "off", "the house's own filter is asked", nil},
		{"PromotionsEnabled", false, "no advertisement over the page", []int{44}},
		{"DefaultBrowserSettingEnabled", false, "no question about it", []int{44}},
		{"ShoppingListEnabled", false, "no offers over the page", []int{44}},
		{"AIModeSettings", 1, "no page leaves for a model", nil},
		{"GeminiSettings", 1, "no page leaves for a model", nil},
		{"SearchContentSharingSettings", 1, "no page leaves for a model", nil},
		{"HelpMeWriteSettings", 2, "no text leaves for a model", nil},
		{"HistorySearchSettings", 2, "no history leaves for a model", nil},
		{"TabCompareSettings", 2, "no page leaves for a model", nil},
		{"CreateThemesSettings", 2, "no picture for a model", nil},
		{"DevToolsGenAiSettings", 2, "no page leaves for a model", nil},
		{"GenAILocalFoundationalModelSettings", 1, "no model is fetched", nil},
		{"BuiltInAIAPIsEnabled", false, "no model for pages", nil},
		{"AccessibilityImageLabelsEnabled", false, "no picture leaves for a description", nil},
	}
}

func (p Policy) comforts() []Rule {
	name, search := p.SearchName, p.SearchURL
	if p.Errands {
		// Where there is no search, the words lead to our home page and stay
		// behind its "#", so that they reach nobody.
		name, search = "Yhteiskone", p.home()+"#{searchTerms}"
	}
	return []Rule{
		{"HomepageLocation", p.home(), "a way back to the start", nil},
		{"HomepageIsNewTabPage", false, "a way back to the start", nil},
		{"NewTabPageLocation", p.home(), "a way back to the start", nil},
		{"ShowHomeButton", true, "a way back to the start", nil},
		{"DownloadDirectory", Downloads, "one folder, where the file dialog looks too", nil},
		{"PromptForDownloadLocation", false, "no question that few can answer", nil},
		{"AllowFileSelectionDialogs", true, "a bank statement is attached to an application", nil},
		{"PrintingEnabled", true, "papers are part of errands", nil},
		{"PrintHeaderFooter", false, "no address on the paper", nil},
		{"PrintPdfAsImageDefault", false, "print as it is", nil},
		{"DefaultSearchProviderEnabled", true, "words in the address bar are searched", nil},
		{"DefaultSearchProviderName", name, "words in the address bar are searched", nil},
		{"DefaultSearchProviderSearchURL", search, "words in the address bar are searched", nil},
		{"ShowFullUrlsInAddressBar", true, "banks say: look at the address", nil},
		{"BrowserThemeColor", "#123c5a", "the kiosk's colour", nil},
		{"QRCodeGeneratorEnabled", false, "fewer buttons", nil},
		{"HighEfficiencyModeEnabled", false, "a page that waits for a code is not put to sleep", nil},
		{"MemorySaverModeSavings", 0, "a page that waits for a code is not put to sleep", nil},
		{"HardwareAccelerationModeEnabled", true, "as fast as the machine can", nil},
		{"NTPFooterManagementNoticeEnabled", false, "fewer notices", nil},
	}
}

// JSON is the policy file for Chromium. What the extension is told goes with
// it, under the extension's identifier.
func JSON(rules []Rule, extension string, say any) ([]byte, error) {
	all := map[string]any{"3rdparty": map[string]any{"extensions": map[string]any{extension: say}}}
	for _, r := range rules {
		if _, twice := all[r.Name]; twice {
			return nil, fmt.Errorf("make the policy: %s is there twice", r.Name)
		}
		all[r.Name] = r.Value
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return nil, fmt.Errorf("make the policy: %w", err)
	}
	return b, nil
}
