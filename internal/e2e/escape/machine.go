package escape

func image(n int, attempt, stops, how, why string) Row {
	return Row{N: n, Attempt: attempt, Stops: stops, Where: TriedImage, How: how, Why: why}
}

func byHand(n int, attempt, stops, how, why string) Row {
	return Row{N: n, Attempt: attempt, Stops: stops, Where: TriedHand, How: how, Why: why}
}

// machine are the ways out by the machine's own keys, plugs and programs, by
// the network, and by taking more than one's share.
func machine() []Row {
	const noConsole = "the X server of the tests has no consoles and no keyboard of the kernel's: its keys come from the test"
	return []Row{
		image(30, "Another console: Ctrl+Alt+F1 to F12", "Xorg DontVTSwitch; no getty on any console; NAutoVTs=0",
			"In the virtual machine, in a session: QMP `send-key` ctrl, alt and each of f1 to f12, two seconds between. After each the guest's /sys/class/tty/tty0/active is as before and `kiosk status` says in_use; `systemctl list-units 'getty@*'` lists none.", noConsole),
		image(31, "Killing the X server: Ctrl+Alt+Backspace", "Xorg DontZap",
			"In the virtual machine, in a session: QMP `send-key` ctrl, alt, backspace twice. The process number of Xorg is as before and `kiosk status` says in_use.", noConsole),
		image(32, "Restarting: Ctrl+Alt+Del", "ctrl-alt-del.target masked; CtrlAltDelBurstAction=none",
			"In the virtual machine, in a session: QMP `send-key` ctrl, alt, delete eight times within two seconds. The boot identifier (/proc/sys/kernel/random/boot_id) is as before and `kiosk status` says in_use.", noConsole),
		image(33, "The kernel's keys: Alt+SysRq with b, o, k, r, e, i", "kernel.sysrq=0",
			"In the virtual machine, in a session: QMP `send-key` alt, sysrq and each letter. The boot identifier and the process numbers of Xorg and kiosk are as before; /proc/sys/kernel/sysrq says 0.", noConsole),
		here(34, "A desktop's help for typing: Shift five times, Shift for 8 seconds, Shift+Alt+NumLock", "the X server's own access keys are off; the strip has sticky keys of ours"),
		image(35, "Power button, lid, a brief power cut, the boot menu", "HandlePowerKey=poweroff; GRUB without menu, time and editor; a boot leads to the welcome page",
			"In the virtual machine, in a session: QMP `system_powerdown` leads to a clean shutdown; then a start while esc, shift, c, e and f8 are pressed until the kernel speaks shows no menu and reaches `ready`. Then the virtual machine is killed in a session: the next start reaches `ready`, and there is a proof more.", "there is no firmware and no boot loader here"),
		byHand(36, "Starting from another disk or stick, the firmware's menu: F2, F12, Del", "firmware password, Secure Boot on, start from the internal disk only",
			"With the machine off, put in a stick that can start a computer. Switch on and press F2, F12, Esc and Del again and again. The firmware asks for a password, and without it the kiosk starts.", "every maker's firmware is another, and it takes hands on the machine"),
		image(37, "A USB stick: starting by itself, being mounted, programs on it", "no automounter and no file manager in the image; what is plugged in later is not authorised",
			"In the virtual machine, in a session: QMP `device_add` usb-storage with a FAT file system that holds autorun.inf and a .desktop file. The kernel sees it and does not authorise it: /proc/mounts has no line more and /dev/disk no name more.", "the tests have no USB bus"),
		image(38, "A second keyboard that types by itself", "the session has nothing that a burst of keys opens (rows 1 to 29); health counts keyboards that came since the start, and staff are told",
			"In the virtual machine, in a session: QMP `device_add` usb-kbd, then 200 times keys of the table's rows 17 to 29. `kiosk status` says in_use, kiosk and X server are the same, and the dashboard says that a keyboard came.", "the tests have no USB bus"),
		byHand(39, "A USB network adapter, a phone as network, Bluetooth", "their kernel modules are not in the image; NetworkManager is not either",
			"In a session plug in a phone that shares its network, then a USB network adapter; press a Bluetooth keyboard's pairing key. `ip link` on the technician's console shows no interface more, and nothing on the screen changes.", "it takes the devices"),
		here(40, "Dragging links, pictures, words and files to the tabs, the page and our strip", "the strip takes nothing that is dropped; policies for what opens"),
		here(41, "Pasting what the client before copied", "the selections' owner dies with the session, and the wipe looks for one"),
		here(42, "A page that talks to this machine or the house's network: ports of loopback, names that point there, sockets, calls", "a network namespace with one door, which knows what may be reached; policies LocalNetworkAccessBlockedForUrls and ProxySettings; our own page answers to its own name only"),
		here(43, "Pages that say that nothing came: their links, details and game", "policies URLBlocklist chrome://* and AllowDinosaurEasterEgg"),
		here(44, "Prompts: notification, place, camera, screen, devices, passkey, password, share, install, and every item of the browser's menu", "policies, one for each"),
		here(45, "Extensions, user scripts, certificates, the web store", "policies ExtensionSettings and URLBlocklist"),
		here(46, "Downloading .desktop, .sh, .html, .svg and opening it from the list of downloads", "no program to open it; policy URLBlocklist file://*"),
		here(47, "Taking the machine: 200 pop-ups, 200 tabs, endless downloads, many renderers and workers, alert, beforeunload and print in a loop, a page that plays our curtain", "the strip's layer; folders of a bounded size; the end kills the namespace whatever it does"),
	}
}
