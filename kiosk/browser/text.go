package browser

// words are what our two pages in the client's browser say.
type words struct {
	Opening string // while a page is on its way
	Title   string
	Choose  string // on the home page, when there are services to choose from
	Write   string // how to reach any other page
	Forgets string
}

// texts has every word in every language that the kiosk speaks.
func texts() map[string]words {
	return map[string]words{
		"fi": {
			Opening: "Sivu aukeaa. Odota hetki.",
			Title:   "Takaisin alkuun",
			Choose:  "Mihin haluat mennä? Paina palvelun nimeä.",
			Write:   "Voit mennä myös muille sivuille. Kirjoita sivun osoite tai hakusana ylös osoiteriville.",
			Forgets: "Tämä tietokone ei muista sinua. Kun lopetat, kaikki tietosi poistuvat.",
		},
		"sv": {
			Opening: "Sidan öppnas. Vänta en stund.",
			Title:   "Tillbaka till början",
			Choose:  "Vart vill du gå? Tryck på namnet på tjänsten.",
			Write:   "Du kan också gå till andra sidor. Skriv sidans adress eller ett sökord i adressfältet högst upp.",
			Forgets: "Den här datorn minns inte dig. När du avslutar raderas alla dina uppgifter.",
		},
		"en": {
			Opening: "The page is opening. Please wait.",
			Title:   "Back to the start",
			Choose:  "Where do you want to go? Press the name of a service.",
			Write:   "You can go to other pages too. Write the address of a page or a word to search for in the address bar at the top.",
			Forgets: "This computer does not remember you. When you end, all your data is erased.",
		},
	}
}

// languages are the languages of texts, the default first, with their names.
func languages() []language {
	return []language{{"fi", "Suomi"}, {"sv", "Svenska"}, {"en", "English"}}
}

type language struct{ Code, Name string }

// spoken returns lang if we speak it, else the default.
func spoken(lang string) string {
	if _, ok := texts()[lang]; ok {
		return lang
	}
	return languages()[0].Code
}
