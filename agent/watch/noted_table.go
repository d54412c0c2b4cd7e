package watch

import (
	"time"

	"yhteiskone/internal/fleet"
)

// noted are the faults that are worth knowing while the machine serves.
func noted() []Row {
	return []Row{
		{
			Code: fleet.CPUBusy, Severity: fleet.SeverityNotice, Under: []fleet.Code{fleet.TooHot}, After: 5 * time.Minute, Said: true, Told: Never, To: ForTechnician,
			present: cpuBusy,
			fi:      words{"Kone on ollut pitkään hyvin kuormittunut.", "Jos kone on hidas, käynnistä se uudelleen, kun se on vapaa."},
			sv:      words{"Datorn har varit hårt belastad länge.", "Om datorn är långsam, starta om den när den är ledig."},
			en:      words{"The machine has been very busy for a long time.", "If it is slow, restart it when it is free."},
		},
		{
			Code: fleet.ServicesDown, Severity: fleet.SeverityNotice, Under: []fleet.Code{fleet.NetworkDown}, Said: true, Steady: true, Told: Never, To: ForStaff,
			present: servicesDown,
			fi:      words{"Jokin palvelu ei vastaa. Vika ei ole koneessa.", "Sinun ei tarvitse tehdä koneelle mitään. Pyydä asiakasta yrittämään myöhemmin."},
			sv:      words{"En tjänst svarar inte. Felet är inte i datorn.", "Du behöver inte göra något åt datorn. Be kunden försöka senare."},
			en:      words{"A service does not answer. The machine is not at fault.", "You need not do anything to the machine. Ask the client to try later."},
		},
		{
			Code: fleet.SwapOn, Severity: fleet.SeverityNotice, After: time.Minute, Said: true, Told: Never, To: ForTechnician,
			present: says(func(h *fleet.Health) *bool { return h.Swap }, true),
			fi:      words{"Kone voi kirjoittaa muistin sisältöä levylle.", "Kerro tekniselle tuelle: koneen sivutus pitää ottaa pois päältä."},
			sv:      words{"Datorn kan skriva minnets innehåll på disken.", "Kontakta den tekniska supporten: datorns växlingsminne måste stängas av."},
			en:      words{"The machine may write what is in memory to its disk.", "Tell the technical support: swap must be turned off."},
		},
		{
			Code: fleet.ClockUnset, Severity: fleet.SeverityNotice, Under: []fleet.Code{fleet.ClockWrong, fleet.NetworkDown}, After: unsetTime, Said: true, Told: Never, To: ForTechnician,
			present: says(func(h *fleet.Health) *bool { return h.ClockSet }, false),
			fi:      words{"Koneen kello ei saa oikeaa aikaa verkosta.", "Konetta voi käyttää. Kerro tekniselle tuelle."},
			sv:      words{"Datorns klocka får inte rätt tid från nätet.", "Datorn kan användas. Kontakta den tekniska supporten."},
			en:      words{"The machine's clock gets no time from the network.", "The machine can be used. Tell the technical support."},
		},
		{
			Code: fleet.USBChanged, Severity: fleet.SeverityNotice, Under: []fleet.Code{fleet.NewKeyboard, fleet.NoKeyboard, fleet.NoMouse}, After: chargeTime, Said: true, Steady: true, Told: Never, To: ForStaff,
			present: some(func(h *fleet.Health) *int { return h.USBChanges }),
			fi:      words{"Koneeseen on kytketty tai siitä on irrotettu USB-laite.", "Katso, ettei koneessa tai sen johdoissa ole mitään outoa."},
			sv:      words{"En USB-enhet har kopplats till datorn eller tagits bort.", "Se efter att det inte finns något främmande i datorn eller på kablarna."},
			en:      words{"A USB device was plugged into the machine or taken out of it.", "See that there is nothing strange on the machine or on its cables."},
		},
		{
			Code: fleet.NoSound, Severity: fleet.SeverityNotice, After: 5 * time.Minute, Said: true, Told: Never, To: ForTechnician,
			present: says(func(h *fleet.Health) *bool { return h.Sound }, false),
			fi:      words{"Kone ei löydä äänilaitetta. Ääneen lukeminen ei toimi.", "Konetta voi käyttää. Kerro tekniselle tuelle."},
			sv:      words{"Datorn hittar ingen ljudenhet. Uppläsning fungerar inte.", "Datorn kan användas. Kontakta den tekniska supporten."},
			en:      words{"The machine finds no sound device. Reading aloud does not work.", "The machine can be used. Tell the technical support."},
		},
		{
			Code: fleet.ImageFellBack, Severity: fleet.SeverityNotice, Said: true, Steady: true, Told: Never, To: ForTechnician,
			present: reported(fleet.ImageFellBack),
			fi:      words{"Koneen uusi versio ei käynnistynyt. Kone palasi itse entiseen versioon.", "Konetta voi käyttää. Kerro tekniselle tuelle, ettei uusi versio toimi tässä koneessa."},
			sv:      words{"Datorns nya version startade inte. Datorn gick själv tillbaka till den förra.", "Datorn kan användas. Säg till den tekniska supporten att den nya versionen inte fungerar i den här datorn."},
			en:      words{"The machine's new version did not start. The machine went back to the one before by itself.", "The machine can be used. Tell the technical support that the new version does not work on this machine."},
		},
		{
			Code: fleet.ImageOutdated, Severity: fleet.SeverityNotice, Under: []fleet.Code{fleet.ImageFellBack}, After: imageTime, Said: true, Steady: true, Told: Never, To: ForTechnician,
			present: imageOutdated,
			fi:      words{"Koneessa on vanha versio ohjelmasta.", "Konetta voi käyttää. Kerro tekniselle tuelle, että kone ei ole päivittynyt."},
			sv:      words{"Datorn har en gammal version av programmet.", "Datorn kan användas. Säg till den tekniska supporten att datorn inte har uppdaterats."},
			en:      words{"The machine runs an old version of its program.", "The machine can be used. Tell the technical support that it has not been updated."},
		},
		{
			Code: fleet.UpdatesWaiting, Severity: fleet.SeverityNotice, Under: []fleet.Code{fleet.ImageOutdated}, After: updateTime, Said: true, Steady: true, Told: Never, To: ForStaff,
			present: some(func(h *fleet.Health) *int { return h.Updates }),
			fi:      words{"Kone odottaa päivitystä.", "Käynnistä kone uudelleen virtapainikkeesta, kun se on vapaa."},
			sv:      words{"Datorn väntar på en uppdatering.", "Starta om datorn med strömknappen när den är ledig."},
			en:      words{"The machine waits for an update.", "Restart the machine with its power button when it is free."},
		},
		{
			Code: fleet.ScreenFailing, Severity: fleet.SeverityNotice, Said: true, Steady: true, Told: Never, To: ForTechnician,
			present: reported(fleet.ScreenFailing),
			fi:      words{"Koneen näyttöohjelma ei vastannut, ja se käynnistettiin uudelleen.", "Sinun ei tarvitse tehdä mitään. Jos tämä toistuu, kerro tekniselle tuelle."},
			sv:      words{"Datorns bildprogram svarade inte och startades om.", "Du behöver inte göra något. Om det händer igen, kontakta den tekniska supporten."},
			en:      words{"The machine's display program did not answer and was started anew.", "You need not do anything. If it happens again, tell the technical support."},
		},
		{
			Code: fleet.KioskRestarted, Severity: fleet.SeverityNotice, Under: []fleet.Code{fleet.RestartsOften}, Said: true, Steady: true, Told: Never, To: ForTechnician,
			present: reported(fleet.KioskRestarted),
			fi:      words{"Kone käynnistyi itse uudelleen häiriön jälkeen.", "Sinun ei tarvitse tehdä mitään. Jos tämä toistuu, kerro tekniselle tuelle."},
			sv:      words{"Datorn startade om av sig själv efter en störning.", "Du behöver inte göra något. Om det händer igen, kontakta den tekniska supporten."},
			en:      words{"The machine restarted by itself after a failure.", "You need not do anything. If it happens again, tell the technical support."},
		},
	}
}
