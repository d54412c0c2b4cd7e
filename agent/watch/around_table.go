package watch

import (
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// trust are the faults of what clients must be able to rely on. No other fault explains them.
func trust() []Row {
	return []Row{
		{
			Code: fleet.WipeUnverified, Severity: fleet.SeverityError, Steady: true, Told: AtOnce, To: Everybody,
			present: wipeUnverified,
			fi:      words{"Kone ei voi varmistaa, että edellisen käyttäjän tiedot on poistettu.", "Käynnistä kone uudelleen. Jos vika jatkuu, laita koneelle lappu ”Ei käytössä” ja kerro tekniselle tuelle."},
			sv:      words{"Datorn kan inte bekräfta att den förra användarens uppgifter är borta.", "Starta om datorn. Om felet är kvar, sätt en lapp ”Ur bruk” på datorn och kontakta den tekniska supporten."},
			en:      words{"The machine cannot prove that the last person's data is gone.", "Restart the machine. If the fault stays, put a note “Out of order” on it and tell the technical support."},
		},
		{
			Code: fleet.HelpUnanswered, Severity: fleet.SeverityWarning, After: callUnheard, Steady: true, Told: Never, To: ForStaff,
			present: helpUnanswered,
			since:   func(f *state.Facts) time.Time { return f.Help.At },
			fi:      words{"Asiakas on pyytänyt apua, eikä kukaan ole vastannut.", "Mene koneen luo tai vastaa avunpyyntöön."},
			sv:      words{"En kund har bett om hjälp och ingen har svarat.", "Gå till datorn eller svara på anropet."},
			en:      words{"A client has asked for help and nobody has answered.", "Go to the machine or answer the call."},
		},
		{
			Code: fleet.ProofInvalid, Severity: fleet.SeverityWarning, Steady: true, Told: AtOnce, To: Everybody,
			present: func(f *state.Facts) bool { return !f.Proof.Invalid.IsZero() },
			since:   func(f *state.Facts) time.Time { return f.Proof.Invalid },
			fi:      words{"Koneen todistus tietojen poistamisesta ei ole pätevä.", "Ota kone pois käytöstä ja kerro tekniselle tuelle. Palauta kone käyttöön, kun se on tarkistettu."},
			sv:      words{"Datorns bevis på att uppgifterna är borta är inte giltigt.", "Ta datorn ur bruk och kontakta den tekniska supporten. Ta den i bruk igen när den har kontrollerats."},
			en:      words{"The machine's proof that data was erased is not valid.", "Take the machine out of service and tell the technical support. Put it back in service when it has been checked."},
		},
	}
}

// silence are the faults of a machine that is not there, the widest first.
func silence() []Row {
	return []Row{
		{
			Code: fleet.CannotSee, Severity: fleet.SeverityWarning, Steady: true, Told: WhenOpen, To: ForTechnician,
			present: func(f *state.Facts) bool { return !f.Connected && !f.Around.Blind.IsZero() },
			since:   func(f *state.Facts) time.Time { return f.Around.Blind },
			fi:      words{"Palvelimella ei ole verkkoyhteyttä. Emme näe, missä kunnossa koneet ovat.", "Koneille ei tarvitse tehdä mitään. Kerro tekniselle tuelle, että palvelin on poissa verkosta."},
			sv:      words{"Servern har ingen nätförbindelse. Vi ser inte hur datorerna mår.", "Datorerna behöver inga åtgärder. Säg till den tekniska supporten att servern inte är på nätet."},
			en:      words{"The server has no network. We cannot see how the machines are.", "You need not do anything to the machines. Tell the technical support that the server is off the network."},
		},
		{
			Code: fleet.SiteSilent, Severity: fleet.SeverityWarning, Under: []fleet.Code{fleet.CannotSee}, After: siteTime, Steady: true, Told: WhenOpen, To: Everybody,
			present: func(f *state.Facts) bool { return missed(f) && !f.Around.Silent.IsZero() },
			since:   func(f *state.Facts) time.Time { return f.Around.Silent },
			fi:      words{"Useimpiin toimipaikan koneisiin ei saada yhteyttä.", "Katso, onko paikassa sähköt ja toimiiko verkko. Jos koneet ovat pois päältä, laita ne päälle."},
			sv:      words{"Det går inte att få kontakt med de flesta av platsens datorer.", "Se efter att det finns ström och att nätet fungerar. Om datorerna är avstängda, sätt på dem."},
			en:      words{"Most of this place's machines cannot be reached.", "See whether the place has power and a working network. If the machines are off, switch them on."},
		},
		{
			Code: fleet.NotOn, Severity: fleet.SeverityWarning, Under: []fleet.Code{fleet.CannotSee, fleet.SiteSilent}, After: lateTime, Steady: true, Told: WhenOpen, To: ForStaff,
			present: func(f *state.Facts) bool { return missed(f) && overnight(f) },
			since:   func(f *state.Facts) time.Time { return f.Around.Turned },
			fi:      words{"Kone ei ole päällä, vaikka paikka on auki.", "Laita kone päälle virtapainikkeesta. Jos se on jo päällä, katso, onko verkkojohto kiinni."},
			sv:      words{"Datorn är inte på fast platsen är öppen.", "Sätt på datorn med strömknappen. Om den redan är på, se efter att nätkabeln sitter i."},
			en:      words{"The machine is not on although the place is open.", "Switch it on with its power button. If it is on already, see that its network cable is in."},
		},
		{
			Code: fleet.NoConnection, Severity: fleet.SeverityWarning, Under: []fleet.Code{fleet.CannotSee, fleet.SiteSilent}, Told: WhenOpen, To: ForStaff,
			present: func(f *state.Facts) bool { return missed(f) && !overnight(f) },
			since:   func(f *state.Facts) time.Time { return f.Since },
			fi:      words{"Koneeseen ei saada yhteyttä.", "Katso, onko kone päällä ja onko verkkojohto kiinni."},
			sv:      words{"Det går inte att få kontakt med datorn.", "Se efter att datorn är på och att nätkabeln sitter i."},
			en:      words{"The machine cannot be reached.", "See that the machine is on and its network cable is in."},
		},
	}
}
