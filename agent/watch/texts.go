package watch

import "yhteiskone/internal/fleet"

// words is one fault in one language: one plain sentence, one thing to do.
type words struct{ text, todo string }

// Texts says what a fault means and what to do. Its zero value is ready.
type Texts struct{}

// Fault returns the sentence and the thing to do in the language ("fi", "sv"
// or "en"; any other reads Finnish). A fault that this agent does not know,
// from a newer kiosk, is named by its code.
func (Texts) Fault(lang string, code fleet.Code) (text, todo string) {
	if lang != "sv" && lang != "en" {
		lang = "fi"
	}
	if w, ok := texts[code][lang]; ok {
		return w.text, w.todo
	}
	w := unknown[lang]
	return w.text + " (" + string(code) + ")", w.todo
}

var unknown = map[string]words{
	"fi": {"Koneessa on vika.", "Kerro tekniselle tuelle."},
	"sv": {"Datorn har ett fel.", "Kontakta den tekniska supporten."},
	"en": {"The machine has a fault.", "Tell the technical support."},
}

var texts = map[fleet.Code]map[string]words{
	fleet.WipeUnverified: {
		"fi": {"Kone ei voi varmistaa, että edellisen käyttäjän tiedot on poistettu.", "Käynnistä kone uudelleen. Jos vika jatkuu, laita koneelle lappu ”Ei käytössä” ja kerro tekniselle tuelle."},
		"sv": {"Datorn kan inte bekräfta att den förra användarens uppgifter är borta.", "Starta om datorn. Om felet är kvar, sätt en lapp ”Ur bruk” på datorn och kontakta den tekniska supporten."},
		"en": {"The machine cannot prove that the last person's data is gone.", "Restart the machine. If the fault stays, put a note “Out of order” on it and tell the technical support."},
	},
	fleet.ShellNotPainting: {
		"fi": {"Koneen näyttö ei toimi oikein.", "Käynnistä kone uudelleen virtapainikkeesta."},
		"sv": {"Datorns skärmbild fungerar inte som den ska.", "Starta om datorn med strömknappen."},
		"en": {"The machine's screen does not work as it should.", "Restart the machine with its power button."},
	},
	fleet.BrowserFailing: {
		"fi": {"Selain ei käynnisty tai se sammuu itsestään.", "Käynnistä kone uudelleen. Jos vika jatkuu, kerro tekniselle tuelle."},
		"sv": {"Webbläsaren startar inte eller stängs av sig själv.", "Starta om datorn. Om felet är kvar, kontakta den tekniska supporten."},
		"en": {"The browser does not start, or stops by itself.", "Restart the machine. If the fault stays, tell the technical support."},
	},
	fleet.HelpUnanswered: {
		"fi": {"Asiakas on pyytänyt apua, eikä kukaan ole vastannut.", "Mene koneen luo tai vastaa avunpyyntöön."},
		"sv": {"En kund har bett om hjälp och ingen har svarat.", "Gå till datorn eller svara på anropet."},
		"en": {"A client has asked for help and nobody has answered.", "Go to the machine or answer the call."},
	},
	fleet.ProofInvalid: {
		"fi": {"Koneen todistus tietojen poistamisesta ei ole pätevä.", "Ota kone pois käytöstä ja kerro tekniselle tuelle. Palauta kone käyttöön, kun se on tarkistettu."},
		"sv": {"Datorns bevis på att uppgifterna är borta är inte giltigt.", "Ta datorn ur bruk och kontakta den tekniska supporten. Ta den i bruk igen när den har kontrollerats."},
		"en": {"The machine's proof that data was erased is not valid.", "Take the machine out of service and tell the technical support. Put it back in service when it has been checked."},
	},
	fleet.NoConnection: {
		"fi": {"Koneeseen ei saada yhteyttä.", "Katso, onko kone päällä ja onko verkkojohto kiinni."},
		"sv": {"Det går inte att få kontakt med datorn.", "Se efter att datorn är på och att nätkabeln sitter i."},
		"en": {"The machine cannot be reached.", "See that the machine is on and its network cable is in."},
	},
	fleet.DiskFull: {
		"fi": {"Koneen levy on melkein täynnä.", "Kerro tekniselle tuelle. Konetta voi vielä käyttää."},
		"sv": {"Datorns disk är nästan full.", "Kontakta den tekniska supporten. Datorn kan ännu användas."},
		"en": {"The machine's disk is nearly full.", "Tell the technical support. The machine can still be used."},
	},
	fleet.StateNotKept: {
		"fi": {"Kone ei pysty tallentamaan omia tietojaan.", "Kerro tekniselle tuelle: levy voi olla rikki."},
		"sv": {"Datorn kan inte spara sina egna uppgifter.", "Kontakta den tekniska supporten: disken kan vara trasig."},
		"en": {"The machine cannot save its own state.", "Tell the technical support: the disk may be broken."},
	},
	fleet.NetworkDown: {
		"fi": {"Kone ei ole verkossa.", "Katso, onko verkkojohto kiinni molemmista päistä."},
		"sv": {"Datorn är inte ansluten till nätet.", "Se efter att nätkabeln sitter i båda ändarna."},
		"en": {"The machine is not on the network.", "See that the network cable is in at both ends."},
	},
	fleet.BrowserMisplaced: {
		"fi": {"Selaimen ikkuna on väärässä paikassa.", "Pyydä asiakasta lopettamaan ja aloittamaan uudelleen."},
		"sv": {"Webbläsarens fönster är på fel ställe.", "Be kunden avsluta och börja om."},
		"en": {"The browser's window is in the wrong place.", "Ask the client to end and to begin again."},
	},
	fleet.TooHot: {
		"fi": {"Kone on liian kuuma.", "Katso, ettei mikään peitä koneen tuuletusaukkoja."},
		"sv": {"Datorn är för varm.", "Se efter att inget täcker datorns ventilation."},
		"en": {"The machine is too hot.", "See that nothing covers its air vents."},
	},
	fleet.MemoryLow: {
		"fi": {"Koneen muisti on lopussa, ja kone voi olla hidas.", "Käynnistä kone uudelleen, kun se on vapaa."},
		"sv": {"Datorns minne är slut och datorn kan vara långsam.", "Starta om datorn när den är ledig."},
		"en": {"The machine is out of memory and may be slow.", "Restart the machine when it is free."},
	},
	fleet.ClockWrong: {
		"fi": {"Koneen kello on väärässä. Tunnistautuminen voi epäonnistua.", "Käynnistä kone uudelleen. Jos kello on yhä väärässä, kerro tekniselle tuelle."},
		"sv": {"Datorns klocka går fel. Identifieringen kan misslyckas.", "Starta om datorn. Om klockan ännu går fel, kontakta den tekniska supporten."},
		"en": {"The machine's clock is wrong. Signing in to services may fail.", "Restart the machine. If the clock is still wrong, tell the technical support."},
	},
	fleet.CPUBusy: {
		"fi": {"Kone on ollut pitkään hyvin kuormittunut.", "Jos kone on hidas, käynnistä se uudelleen, kun se on vapaa."},
		"sv": {"Datorn har varit hårt belastad länge.", "Om datorn är långsam, starta om den när den är ledig."},
		"en": {"The machine has been very busy for a long time.", "If it is slow, restart it when it is free."},
	},
	fleet.KioskRestarted: {
		"fi": {"Kone käynnistyi itse uudelleen häiriön jälkeen.", "Sinun ei tarvitse tehdä mitään. Jos tämä toistuu, kerro tekniselle tuelle."},
		"sv": {"Datorn startade om av sig själv efter en störning.", "Du behöver inte göra något. Om det händer igen, kontakta den tekniska supporten."},
		"en": {"The machine restarted by itself after a failure.", "You need not do anything. If it happens again, tell the technical support."},
	},
	fleet.ScreenFailing: {
		"fi": {"Koneen näyttöohjelma ei vastannut, ja se käynnistettiin uudelleen.", "Sinun ei tarvitse tehdä mitään. Jos tämä toistuu, kerro tekniselle tuelle."},
		"sv": {"Datorns bildprogram svarade inte och startades om.", "Du behöver inte göra något. Om det händer igen, kontakta den tekniska supporten."},
		"en": {"The machine's display program did not answer and was started anew.", "You need not do anything. If it happens again, tell the technical support."},
	},
	fleet.NoKeyboard: {
		"fi": {"Koneessa ei ole näppäimistöä.", "Katso, onko näppäimistön johto kiinni."},
		"sv": {"Datorn har inget tangentbord.", "Se efter att tangentbordets kabel sitter i."},
		"en": {"The machine has no keyboard.", "See that the keyboard's cable is in."},
	},
	fleet.NoMouse: {
		"fi": {"Koneessa ei ole hiirtä.", "Katso, onko hiiren johto kiinni."},
		"sv": {"Datorn har ingen mus.", "Se efter att musens kabel sitter i."},
		"en": {"The machine has no mouse.", "See that the mouse's cable is in."},
	},
	fleet.NoScreen: {
		"fi": {"Koneessa ei ole näyttöä.", "Katso, onko näytön johto kiinni ja saako näyttö virtaa."},
		"sv": {"Datorn har ingen skärm.", "Se efter att skärmens kabel sitter i och att skärmen har ström."},
		"en": {"The machine has no screen.", "See that the screen's cable is in and that it has power."},
	},
	fleet.NewKeyboard: {
		"fi": {"Koneeseen on kytketty uusi näppäimistö. Se voi tallentaa, mitä asiakas kirjoittaa.", "Katso koneen johdot. Irrota kaikki, mikä ei ole teidän. Jos näppäimistö on teidän, käynnistä kone uudelleen virtapainikkeesta."},
		"sv": {"Ett nytt tangentbord har kopplats till datorn. Det kan spara det som kunden skriver.", "Se på datorns kablar. Ta bort allt som inte är ert. Om tangentbordet är ert, starta om datorn med strömknappen."},
		"en": {"A new keyboard was plugged into the machine. It could record what clients write.", "Look at the machine's cables. Take out what is not yours. If the keyboard is yours, restart the machine with its power button."},
	},
	fleet.USBChanged: {
		"fi": {"Koneeseen on kytketty tai siitä on irrotettu USB-laite.", "Katso, ettei koneessa tai sen johdoissa ole mitään outoa."},
		"sv": {"En USB-enhet har kopplats till datorn eller tagits bort.", "Se efter att det inte finns något främmande i datorn eller på kablarna."},
		"en": {"A USB device was plugged into the machine or taken out of it.", "See that there is nothing strange on the machine or on its cables."},
	},
	fleet.NoSound: {
		"fi": {"Kone ei löydä äänilaitetta. Ääneen lukeminen ei toimi.", "Konetta voi käyttää. Kerro tekniselle tuelle."},
		"sv": {"Datorn hittar ingen ljudenhet. Uppläsning fungerar inte.", "Datorn kan användas. Kontakta den tekniska supporten."},
		"en": {"The machine finds no sound device. Reading aloud does not work.", "The machine can be used. Tell the technical support."},
	},
	fleet.DiskFailing: {
		"fi": {"Koneen levy on menossa rikki.", "Kerro tekniselle tuelle: levy pitää vaihtaa pian."},
		"sv": {"Datorns disk håller på att gå sönder.", "Kontakta den tekniska supporten: disken måste bytas snart."},
		"en": {"The machine's disk is about to fail.", "Tell the technical support: the disk must be exchanged soon."},
	},
	fleet.ClockUnset: {
		"fi": {"Koneen kello ei saa oikeaa aikaa verkosta.", "Konetta voi käyttää. Kerro tekniselle tuelle."},
		"sv": {"Datorns klocka får inte rätt tid från nätet.", "Datorn kan användas. Kontakta den tekniska supporten."},
		"en": {"The machine's clock gets no time from the network.", "The machine can be used. Tell the technical support."},
	},
	fleet.UpdatesWaiting: {
		"fi": {"Kone odottaa päivitystä.", "Käynnistä kone uudelleen virtapainikkeesta, kun se on vapaa."},
		"sv": {"Datorn väntar på en uppdatering.", "Starta om datorn med strömknappen när den är ledig."},
		"en": {"The machine waits for an update.", "Restart the machine with its power button when it is free."},
	},
	fleet.OnBattery: {
		"fi": {"Kone toimii akulla.", "Laita koneen virtajohto kiinni pistorasiaan."},
		"sv": {"Datorn går på batteri.", "Sätt datorns strömkabel i eluttaget."},
		"en": {"The machine runs on its battery.", "Put its power cable into the wall."},
	},
	fleet.SwapOn: {
		"fi": {"Kone voi kirjoittaa muistin sisältöä levylle.", "Kerro tekniselle tuelle: koneen sivutus pitää ottaa pois päältä."},
		"sv": {"Datorn kan skriva minnets innehåll på disken.", "Kontakta den tekniska supporten: datorns växlingsminne måste stängas av."},
		"en": {"The machine may write what is in memory to its disk.", "Tell the technical support: swap must be turned off."},
	},
	fleet.ServicesDown: {
		"fi": {"Jokin palvelu ei vastaa. Vika ei ole koneessa.", "Sinun ei tarvitse tehdä koneelle mitään. Pyydä asiakasta yrittämään myöhemmin."},
		"sv": {"En tjänst svarar inte. Felet är inte i datorn.", "Du behöver inte göra något åt datorn. Be kunden försöka senare."},
		"en": {"A service does not answer. The machine is not at fault.", "You need not do anything to the machine. Ask the client to try later."},
	},
}
