package watch

import (
	"time"

	"yhteiskone/internal/fleet"
)

// serving are the faults of a machine that answers and that clients notice.
func serving() []Row {
	return []Row{
		{
			Code: fleet.RestartsOften, Severity: fleet.SeverityWarning, Said: true, Steady: true, Told: WhenOpen, To: ForTechnician,
			present: restartsOften,
			fi:      words{"Kone käynnistyy uudelleen yhä uudestaan.", "Ota kone pois käytöstä ja kerro tekniselle tuelle."},
			sv:      words{"Datorn startar om gång på gång.", "Ta datorn ur bruk och kontakta den tekniska supporten."},
			en:      words{"The machine restarts again and again.", "Take it out of service and tell the technical support."},
		},
		{
			Code: fleet.ShellNotPainting, Severity: fleet.SeverityError, After: 20 * time.Second, Said: true, Told: WhenOpen, To: ForStaff,
			present: shellNotPainting,
			fi:      words{"Koneen näyttö ei toimi oikein.", "Käynnistä kone uudelleen virtapainikkeesta."},
			sv:      words{"Datorns skärmbild fungerar inte som den ska.", "Starta om datorn med strömknappen."},
			en:      words{"The machine's screen does not work as it should.", "Restart the machine with its power button."},
		},
		{
			Code: fleet.BrowserFailing, Severity: fleet.SeverityError, After: 20 * time.Second, Said: true, Told: WhenOpen, To: ForStaff,
			present: browserFailing,
			fi:      words{"Selain ei käynnisty tai se sammuu itsestään.", "Käynnistä kone uudelleen. Jos vika jatkuu, kerro tekniselle tuelle."},
			sv:      words{"Webbläsaren startar inte eller stängs av sig själv.", "Starta om datorn. Om felet är kvar, kontakta den tekniska supporten."},
			en:      words{"The browser does not start, or stops by itself.", "Restart the machine. If the fault stays, tell the technical support."},
		},
		{
			Code: fleet.DiskFull, Severity: fleet.SeverityWarning, Said: true, Told: WhenOpen, To: ForTechnician,
			present: diskFull,
			fi:      words{"Koneen levy on melkein täynnä.", "Kerro tekniselle tuelle. Konetta voi vielä käyttää."},
			sv:      words{"Datorns disk är nästan full.", "Kontakta den tekniska supporten. Datorn kan ännu användas."},
			en:      words{"The machine's disk is nearly full.", "Tell the technical support. The machine can still be used."},
		},
		{
			Code: fleet.StateNotKept, Severity: fleet.SeverityWarning, Under: []fleet.Code{fleet.DiskFull}, Said: true, Told: WhenOpen, To: ForTechnician,
			present: reported(fleet.StateNotKept),
			fi:      words{"Kone ei pysty tallentamaan omia tietojaan.", "Kerro tekniselle tuelle: levy voi olla rikki."},
			sv:      words{"Datorn kan inte spara sina egna uppgifter.", "Kontakta den tekniska supporten: disken kan vara trasig."},
			en:      words{"The machine cannot save its own state.", "Tell the technical support: the disk may be broken."},
		},
		{
			Code: fleet.NetworkDown, Severity: fleet.SeverityWarning, After: 30 * time.Second, Said: true, Told: WhenOpen, To: ForStaff,
			present: says(func(h *fleet.Health) *bool { return h.NetworkUp }, false),
			fi:      words{"Kone ei ole verkossa.", "Katso, onko verkkojohto kiinni molemmista päistä."},
			sv:      words{"Datorn är inte ansluten till nätet.", "Se efter att nätkabeln sitter i båda ändarna."},
			en:      words{"The machine is not on the network.", "See that the network cable is in at both ends."},
		},
		{
			Code: fleet.NoScreen, Severity: fleet.SeverityWarning, After: time.Minute, Said: true, Told: WhenOpen, To: ForStaff,
			present: none(func(h *fleet.Health) *int { return h.Screens }),
			fi:      words{"Koneessa ei ole näyttöä.", "Katso, onko näytön johto kiinni ja saako näyttö virtaa."},
			sv:      words{"Datorn har ingen skärm.", "Se efter att skärmens kabel sitter i och att skärmen har ström."},
			en:      words{"The machine has no screen.", "See that the screen's cable is in and that it has power."},
		},
		{
			Code: fleet.NewKeyboard, Severity: fleet.SeverityWarning, After: plugTime, Said: true, Steady: true, Told: AtOnce, To: Everybody,
			present: some(func(h *fleet.Health) *int { return h.NewKeyboards }),
			fi:      words{"Koneeseen on kytketty uusi näppäimistö. Se voi tallentaa, mitä asiakas kirjoittaa.", "Katso koneen johdot. Irrota kaikki, mikä ei ole teidän. Jos näppäimistö on teidän, käynnistä kone uudelleen virtapainikkeesta."},
			sv:      words{"Ett nytt tangentbord har kopplats till datorn. Det kan spara det som kunden skriver.", "Se på datorns kablar. Ta bort allt som inte är ert. Om tangentbordet är ert, starta om datorn med strömknappen."},
			en:      words{"A new keyboard was plugged into the machine. It could record what clients write.", "Look at the machine's cables. Take out what is not yours. If the keyboard is yours, restart the machine with its power button."},
		},
		{
			Code: fleet.NoKeyboard, Severity: fleet.SeverityWarning, After: time.Minute, Said: true, Told: WhenOpen, To: ForStaff,
			present: withoutTouch(func(h *fleet.Health) *int { return h.Keyboards }),
			fi:      words{"Koneessa ei ole näppäimistöä.", "Katso, onko näppäimistön johto kiinni."},
			sv:      words{"Datorn har inget tangentbord.", "Se efter att tangentbordets kabel sitter i."},
			en:      words{"The machine has no keyboard.", "See that the keyboard's cable is in."},
		},
		{
			Code: fleet.NoMouse, Severity: fleet.SeverityWarning, After: time.Minute, Said: true, Told: WhenOpen, To: ForStaff,
			present: withoutTouch(func(h *fleet.Health) *int { return h.Pointers }),
			fi:      words{"Koneessa ei ole hiirtä.", "Katso, onko hiiren johto kiinni."},
			sv:      words{"Datorn har ingen mus.", "Se efter att musens kabel sitter i."},
			en:      words{"The machine has no mouse.", "See that the mouse's cable is in."},
		},
		{
			Code: fleet.BrowserMisplaced, Severity: fleet.SeverityWarning, Under: []fleet.Code{fleet.BrowserFailing, fleet.ShellNotPainting}, After: 15 * time.Second, Said: true, Told: Never, To: ForStaff,
			present: browserMisplaced,
			fi:      words{"Selaimen ikkuna on väärässä paikassa.", "Pyydä asiakasta lopettamaan ja aloittamaan uudelleen."},
			sv:      words{"Webbläsarens fönster är på fel ställe.", "Be kunden avsluta och börja om."},
			en:      words{"The browser's window is in the wrong place.", "Ask the client to end and to begin again."},
		},
		{
			Code: fleet.TooHot, Severity: fleet.SeverityWarning, After: 2 * time.Minute, Said: true, Told: WhenOpen, To: ForStaff,
			present: tooHot,
			fi:      words{"Kone on liian kuuma.", "Katso, ettei mikään peitä koneen tuuletusaukkoja."},
			sv:      words{"Datorn är för varm.", "Se efter att inget täcker datorns ventilation."},
			en:      words{"The machine is too hot.", "See that nothing covers its air vents."},
		},
		{
			Code: fleet.MemoryLow, Severity: fleet.SeverityWarning, After: 2 * time.Minute, Said: true, Told: Never, To: ForStaff,
			present: memoryLow,
			fi:      words{"Koneen muisti on lopussa, ja kone voi olla hidas.", "Käynnistä kone uudelleen, kun se on vapaa."},
			sv:      words{"Datorns minne är slut och datorn kan vara långsam.", "Starta om datorn när den är ledig."},
			en:      words{"The machine is out of memory and may be slow.", "Restart the machine when it is free."},
		},
		{
			Code: fleet.ClockWrong, Severity: fleet.SeverityWarning, After: clockTime, Said: true, Told: WhenOpen, To: ForTechnician,
			present: clockWrong,
			fi:      words{"Koneen kello on väärässä. Tunnistautuminen voi epäonnistua.", "Käynnistä kone uudelleen. Jos kello on yhä väärässä, kerro tekniselle tuelle."},
			sv:      words{"Datorns klocka går fel. Identifieringen kan misslyckas.", "Starta om datorn. Om klockan ännu går fel, kontakta den tekniska supporten."},
			en:      words{"The machine's clock is wrong. Signing in to services may fail.", "Restart the machine. If the clock is still wrong, tell the technical support."},
		},
		{
			Code: fleet.DiskFailing, Severity: fleet.SeverityWarning, Said: true, Told: WhenOpen, To: ForTechnician,
			present: says(func(h *fleet.Health) *bool { return h.DiskHealthy }, false),
			fi:      words{"Koneen levy on menossa rikki.", "Kerro tekniselle tuelle: levy pitää vaihtaa pian."},
			sv:      words{"Datorns disk håller på att gå sönder.", "Kontakta den tekniska supporten: disken måste bytas snart."},
			en:      words{"The machine's disk is about to fail.", "Tell the technical support: the disk must be exchanged soon."},
		},
		{
			Code: fleet.OnBattery, Severity: fleet.SeverityWarning, After: 2 * time.Minute, Said: true, Told: WhenOpen, To: ForStaff,
			present: says(func(h *fleet.Health) *bool { return h.OnMains }, false),
			fi:      words{"Kone toimii akulla.", "Laita koneen virtajohto kiinni pistorasiaan."},
			sv:      words{"Datorn går på batteri.", "Sätt datorns strömkabel i eluttaget."},
			en:      words{"The machine runs on its battery.", "Put its power cable into the wall."},
		},
	}
}
