package demo

import "github.com/parley-analytics/parley/schema"

// The cast: brands, the people and bots that work for them, and what is said.
// Names are common ones put together at random, e-mail addresses are of
// example.com, and phone numbers are from ranges kept free for fiction.

type brand struct {
	project   int
	currency  string
	languages []weighted[string]
	ticket    float64 // what a sale comes to, in the middle
	campaigns []named
	groups    []group
	bots      []operator
}

// Projects are those that have conversations.
func Projects() []schema.ProjectID {
	ids := make([]schema.ProjectID, len(brands))
	for i, brand := range brands {
		ids[i] = schema.ProjectID(brand.value.project)
	}
	return ids
}

type named struct{ id, name string }

type group struct {
	rule, group named
	staff       []operator
}

type operator struct {
	id                int
	kind, name, email string
}

type weighted[T any] struct {
	share float64
	value T
}

var brands = []weighted[*brand]{
	{.45, &brand{
		project: 9999, currency: "EUR", ticket: 89,
		languages: []weighted[string]{{.75, "fr"}, {.17, "en"}, {.08, "es"}},
		campaigns: []named{{"c-101", "Page panier"}, {"c-102", "Fiche produit"}, {"c-103", "Suivi de commande"}, {"c-104", "Soldes"}},
		bots:      []operator{bot(901, "Léo"), bot(902, "Mia")},
		groups: []group{
			{named{"r-1", "Avant-vente"}, named{"g-1", "Conseillers"}, staff(10, "PROFESSIONAL", "Camille Martin", "Louis Bernard", "Inès Petit", "Hugo Robert", "Jade Richard", "Noah Durand")},
			{named{"r-2", "Service client"}, named{"g-2", "Service client"}, staff(20, "PROFESSIONAL", "Manon Moreau", "Nathan Simon", "Sarah Laurent", "Jules Lefebvre")},
			{named{"r-3", "Communauté"}, named{"g-3", "Experts"}, staff(30, "EXPERT", "Ada Lambert", "Tom Garnier", "Zoé Faure")},
		},
	}},
	{.35, &brand{
		project: 1001, currency: "GBP", ticket: 64,
		languages: []weighted[string]{{.9, "en"}, {.1, "de"}},
		campaigns: []named{{"c-201", "Checkout help"}, {"c-202", "New season"}, {"c-203", "Returns"}},
		bots:      []operator{bot(911, "Robin")},
		groups: []group{
			{named{"r-11", "Sales"}, named{"g-11", "Sales"}, staff(110, "PROFESSIONAL", "Amelia Wright", "Oliver Hughes", "Grace Edwards", "Harry Green")},
			{named{"r-12", "Support"}, named{"g-12", "Support"}, staff(120, "PROFESSIONAL", "Isla Turner", "George Hill", "Freya Cooper", "Arthur Ward", "Poppy Morris")},
		},
	}},
	{.2, &brand{
		project: 1002, currency: "EUR", ticket: 240,
		languages: []weighted[string]{{.6, "de"}, {.25, "it"}, {.15, "en"}},
		campaigns: []named{{"c-301", "Beratung"}, {"c-302", "Konfigurator"}},
		bots:      []operator{bot(921, "Emil")},
		groups: []group{
			{named{"r-21", "Beratung"}, named{"g-21", "Fachberatung"}, staff(210, "PROFESSIONAL", "Lena Fischer", "Paul Weber", "Marie Wagner", "Felix Becker")},
			{named{"r-22", "Community"}, named{"g-22", "Fachleute"}, staff(220, "EXPERT", "Jonas Hoffmann", "Clara Schulz")},
		},
	}},
}

func bot(id int, name string) operator {
	return operator{id: id, kind: "BOT", name: name}
}

func staff(from int, kind string, names ...string) []operator {
	people := make([]operator, len(names))
	for i, name := range names {
		people[i] = operator{id: from + i, kind: kind, name: name, email: address(name)}
	}
	return people
}

// address makes an e-mail address of a name, in ASCII.
func address(name string) string {
	b := make([]byte, 0, len(name)+12)
	for _, r := range name {
		switch {
		case r >= 'A' && r <= 'Z':
			b = append(b, byte(r)+'a'-'A')
		case r == ' ':
			b = append(b, '.')
		case r < 0x80:
			b = append(b, byte(r))
		default:
			b = append(b, 'e')
		}
	}
	return string(b) + "@example.com"
}

// pace is how many times slower people write on a channel than in a chat.
type channel struct {
	name string
	pace float64
}

var channels = []weighted[channel]{
	{.46, channel{"CHAT", 1}},
	{.15, channel{"WHATSAPP", 4}},
	{.08, channel{"MOBILE_APP", 1.5}},
	{.07, channel{"FACEBOOK_BUSINESS_ON_MESSENGER", 3}},
	{.06, channel{"CALL", .5}},
	{.05, channel{"EMAIL", 25}},
	{.04, channel{"SMS", 5}},
	{.03, channel{"INSTAGRAM", 4}},
	{.03, channel{"APPLE_BUSINESS_CHAT", 2}},
	{.02, channel{"VIDEO", .5}},
	{.01, channel{"TWITTER", 4}},
}

var tags = []named{
	{"t-1", "delivery"}, {"t-2", "return"}, {"t-3", "payment"}, {"t-4", "stock"}, {"t-5", "size"},
	{"t-6", "promotion"}, {"t-7", "complaint"}, {"t-8", "account"}, {"t-9", "warranty"},
}

var givenNames = []string{"Alice", "Bruno", "Chloé", "David", "Emma", "Farid", "Gina", "Hanna", "Ivan", "Julia", "Karim", "Laura", "Marco", "Nora", "Omar", "Paula", "Quentin", "Rosa", "Samir", "Tina", "Ugo", "Vera", "Willem", "Yara"}

var familyNames = []string{"Adam", "Blanc", "Conti", "Diallo", "Evans", "Fontaine", "Greco", "Haas", "Ivanov", "Jansen", "Keller", "Lopez", "Meyer", "Nguyen", "Okafor", "Perrin", "Quinn", "Rossi", "Silva", "Taylor", "Urban", "Vidal", "Wolf", "Young"}

// speech is what people say in a language. comments are three kind ones, then
// three that are not.
type speech struct{ visitor, operator, comments []string }

var speeches = map[string]*speech{
	"fr": {
		visitor: []string{
			"Bonjour, ma commande devait arriver hier et je n'ai toujours rien reçu.", "Est-ce que ce modèle existe en taille 42 ?",
			"D'accord, merci.", "Je voudrais retourner un article acheté la semaine dernière, comment faire ?", "Oui, c'est bien ça.",
			"Le code promo ne fonctionne pas au moment de payer.", "Quand est-ce que ce produit sera de nouveau en stock ?", "Non, c'est une autre adresse.",
		},
		operator: []string{
			"Bonjour, je regarde cela tout de suite.", "Pouvez-vous me donner le numéro de votre commande, s'il vous plaît ?",
			"Votre colis a quitté notre entrepôt ce matin, il sera chez vous demain avant 18 heures.", "Je viens de prolonger votre code promo, vous pouvez réessayer.",
			"Vous avez trente jours pour nous le retourner, l'étiquette est gratuite.", "Est-ce que je peux vous aider pour autre chose ?",
		},
		comments: []string{"Très bon conseil, merci", "Rapide et efficace", "Parfait", "Trop d'attente", "Pas de solution", "Réponse incomplète"},
	},
	"en": {
		visitor: []string{
			"Hello, my parcel was due yesterday and it still has not arrived.", "Do you have this one in a larger size?", "Ok, thanks.",
			"I would like to send back something I bought last week, what do I have to do?", "Yes, that is right.",
			"The discount code is refused at checkout.", "When will this be back in stock?", "No, it is a different address.",
		},
		operator: []string{
			"Hello, let me have a look at that for you.", "Could you give me your order number, please?",
			"Your parcel left our warehouse this morning and will be with you before six tomorrow.", "I have extended your code, please try again.",
			"You have thirty days to send it back, the label is free of charge.", "Is there anything else I can do for you?",
		},
		comments: []string{"Great advice, thank you", "Quick and friendly", "Perfect", "Waited far too long", "Did not solve it", "Only half an answer"},
	},
	"de": {
		visitor: []string{
			"Guten Tag, meine Bestellung sollte gestern kommen und ist noch nicht da.", "Gibt es das auch eine Nummer größer?", "Gut, danke.",
			"Ich möchte etwas zurückschicken, wie geht das?", "Ja, genau.", "Der Gutschein wird an der Kasse nicht angenommen.", "Wann ist das wieder lieferbar?",
		},
		operator: []string{
			"Guten Tag, ich sehe gleich für Sie nach.", "Nennen Sie mir bitte Ihre Bestellnummer?", "Das Paket ist heute früh abgegangen und morgen bei Ihnen.",
			"Ich habe den Gutschein verlängert, bitte versuchen Sie es noch einmal.", "Sie haben dreißig Tage Zeit, der Versand ist kostenlos.", "Kann ich sonst noch etwas für Sie tun?",
		},
		comments: []string{"Sehr gute Beratung", "Schnell und freundlich", "Bestens", "Zu lange gewartet", "Keine Lösung", "Antwort unvollständig"},
	},
	"es": {
		visitor: []string{
			"Hola, mi pedido tenía que llegar ayer y todavía no lo he recibido.", "¿Tienen este modelo en una talla más grande?", "De acuerdo, gracias.",
			"Quisiera devolver un artículo, ¿cómo lo hago?", "Sí, eso es.", "El código de descuento no funciona.",
		},
		operator: []string{
			"Hola, lo miro enseguida.", "¿Me puede dar el número de su pedido, por favor?", "Su paquete salió esta mañana y llegará mañana antes de las seis.",
			"He prolongado su código, puede volver a probar.", "¿Le puedo ayudar en algo más?",
		},
		comments: []string{"Muy buen consejo", "Rápido y amable", "Perfecto", "Demasiada espera", "Sin solución", "Respuesta incompleta"},
	},
	"it": {
		visitor: []string{
			"Buongiorno, il mio ordine doveva arrivare ieri ma non è ancora qui.", "Avete questo modello in una taglia più grande?", "Va bene, grazie.",
			"Vorrei restituire un articolo, come posso fare?", "Sì, esatto.", "Il codice sconto non funziona.",
		},
		operator: []string{
			"Buongiorno, controllo subito.", "Mi può dare il numero del suo ordine, per favore?", "Il pacco è partito stamattina e arriverà domani prima delle sei.",
			"Ho prolungato il suo codice, può riprovare.", "Posso aiutarla in altro?",
		},
		comments: []string{"Ottimo consiglio", "Veloce e gentile", "Perfetto", "Troppa attesa", "Nessuna soluzione", "Risposta incompleta"},
	},
}
