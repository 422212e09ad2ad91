package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/schema"
)

// slot is one member that an object may have, and how its value is made.
type slot struct {
	name     string
	required bool
	make     *rapid.Generator[documentMember]
}

// raw makes values from their JSON text.
func raw(g *rapid.Generator[string]) *rapid.Generator[documentMember] {
	return rapid.Map(g, func(text string) documentMember { return documentMember{raw: text} })
}

// quoted makes a string from its text.
func quoted(g *rapid.Generator[string]) *rapid.Generator[documentMember] {
	return raw(rapid.Map(g, quote))
}

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// oneOf makes one of some texts.
func oneOf[T ~string](values ...T) *rapid.Generator[documentMember] {
	return quoted(rapid.Map(rapid.SampledFrom(values), func(v T) string { return string(v) }))
}

// object makes an object of slots: the required ones, and some of the others or
// null in their place.
func object(slots ...slot) *rapid.Generator[documentMember] {
	return rapid.Custom(func(t *rapid.T) documentMember {
		d := new(document)
		for _, s := range slots {
			m := documentMember{raw: "null"}
			choice := 0
			if !s.required {
				choice = rapid.IntRange(0, 3).Draw(t, "have "+s.name)
			}
			switch choice {
			case 2:
				continue
			case 0, 1:
				m = s.make.Draw(t, s.name)
			}
			m.name = s.name
			d.members = append(d.members, m)
		}
		d.members = rapid.Permutation(d.members).Draw(t, "order")
		return documentMember{sub: d}
	})
}

var (
	anyText    = quoted(rapid.StringN(0, -1, 256))
	idText     = quoted(rapid.StringN(1, -1, 256))
	operatorID = raw(rapid.Map(rapid.Int64Range(1, 1<<53-1), func(n int64) string { return fmt.Sprint(n) }))
	kind       = oneOf(schema.KindProfessional, schema.KindExpert, schema.KindBot)
	moment     = quoted(rapid.Custom(func(t *rapid.T) string {
		const second2024 = 1_709_337_600 // the events' day, so that none is ahead of the log
		at := time.Unix(rapid.Int64Range(0, second2024).Draw(t, "second"), 0)
		zone := rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset")
		fraction := rapid.SampledFrom([]string{"", ".0", ".123", ".999999999"}).Draw(t, "fraction")
		text := at.In(time.FixedZone("", zone*60)).Format("2006-01-02T15:04:05") + fraction
		if zone == 0 && rapid.Bool().Draw(t, "z") {
			return strings.ToLower(text) + "z"
		}
		return text + at.In(time.FixedZone("", zone*60)).Format("-07:00")
	}))

	userSlots  = []slot{{"id", true, operatorID}, {"kind", false, kind}, {"name", false, anyText}, {"email", false, anyText}}
	pushedUser = object(slot{"id", true, operatorID}, slot{"kind", true, kind}, slot{"name", false, anyText}, slot{"email", false, anyText})
	user       = object(userSlots...)
	reference  = object(slot{"id", true, idText}, slot{"name", false, anyText})
	visitor    = object(
		slot{"id", true, anyText}, slot{"externalId", false, anyText}, slot{"firstName", false, anyText},
		slot{"lastName", false, anyText}, slot{"email", false, anyText}, slot{"phone", false, anyText})
	customData = raw(rapid.Map(
		rapid.MapOfN(rapid.String(), rapid.SampledFrom([]string{`"x"`, `1`, `-2.50`, `1e3`, `true`, `false`, `null`, `""`}), 0, 20),
		func(members map[string]string) string {
			parts := make([]string, 0, len(members))
			for name, text := range members {
				parts = append(parts, quote(name)+":"+text)
			}
			return "{" + strings.Join(parts, ",") + "}"
		}))
	customer = object(
		slot{"id", true, idText}, slot{"externalId", false, anyText}, slot{"firstName", false, anyText}, slot{"lastName", false, anyText},
		slot{"email", false, anyText}, slot{"phone", false, anyText}, slot{"notes", false, anyText}, slot{"ipAddress", false, anyText},
		slot{"ipLocation", false, anyText}, slot{"customData", false, customData})
	seller = object(
		slot{"id", true, idText}, slot{"businessName", false, anyText}, slot{"legalBusinessName", false, anyText},
		slot{"emailAddress", false, anyText}, slot{"online", false, raw(rapid.SampledFrom([]string{"true", "false"}))})
	amount = rapid.Custom(func(t *rapid.T) documentMember {
		text := schema.Amount(rapid.Int64Range(-999_999_999_999_999_999, 999_999_999_999_999_999).Draw(t, "amount")).String()
		if rapid.Bool().Draw(t, "as string") {
			text = quote(text)
		}
		return documentMember{raw: text}
	})
	visitorAuthor  = object(slot{"kind", true, oneOf(schema.KindVisitor)}, slot{"id", false, anyText})
	operatorAuthor = object(slot{"kind", true, kind}, slot{"id", false, operatorID})
	score          = func(low, high int) *rapid.Generator[documentMember] {
		return raw(rapid.Map(rapid.IntRange(low, high), func(n int) string { return fmt.Sprint(n) }))
	}
)

// dataOf makes valid data of a type.
func dataOf(typ schema.Type) *rapid.Generator[documentMember] {
	switch typ {
	case schema.TypeOpened:
		return object(
			slot{"channel", true, oneOf(schema.Channels()...)}, slot{"language", false, anyText},
			slot{"initiator", false, oneOf(schema.InitiatorVisitor, schema.InitiatorOperator, schema.InitiatorSystem)},
			slot{"visitor", false, visitor}, slot{"campaign", false, reference}, slot{"customData", false, customData})
	case schema.TypeRouted:
		return object(slot{"routingRule", true, reference}, slot{"routingGroup", false, reference})
	case schema.TypePushed:
		return object(slot{"toUser", true, pushedUser})
	case schema.TypeSnoozed:
		return object(slot{"byUser", false, user}, slot{"until", false, moment})
	case schema.TypeTransferred:
		return object(
			slot{"fromUser", false, user}, slot{"toUser", false, user},
			slot{"toRoutingRule", false, reference}, slot{"toRoutingGroup", false, reference})
	case schema.TypeClosed:
		return object(slot{"byUser", false, user}, slot{"reason", false, anyText})
	case schema.TypeTagged, schema.TypeUntagged:
		return object(slot{"tag", true, reference})
	case schema.TypeMessage:
		return object(
			slot{"messageId", true, idText}, slot{"author", true, rapid.OneOf(visitorAuthor, operatorAuthor)},
			slot{"automatic", false, raw(rapid.SampledFrom([]string{"true", "false"}))}, slot{"text", false, anyText})
	case schema.TypeRead:
		return object(slot{"reader", true, oneOf(schema.ReaderVisitor, schema.ReaderOperator)}, slot{"upTo", false, idText})
	case schema.TypeDeleted:
		return object(slot{"messageId", true, idText})
	case schema.TypeCustomer:
		return object(slot{"customer", true, customer}, slot{"clear", false, raw(rapid.SampledFrom([]string{`[]`, `["type"]`}))})
	case schema.TypeSeller:
		return object(slot{"seller", true, seller}, slot{"clear", false, raw(rapid.SampledFrom([]string{`[]`, `["phone"]`}))})
	case schema.TypeSatisfaction:
		return object(
			slot{"customerSatisfaction", true, score(1, 5)}, slot{"netPromoterScore", false, score(0, 10)}, slot{"comment", false, anyText})
	case schema.TypeTransaction:
		return object(
			slot{"externalConversionId", true, idText}, slot{"amount", true, amount},
			slot{"currency", true, quoted(rapid.StringMatching(`[A-Z]{3}`))}, slot{"receivedAt", false, moment},
			slot{"transactionId", false, idText}, slot{"source", false, oneOf(schema.SourceOnsite, schema.SourceOffsite)},
			slot{"attributedTo", false, user})
	}
	panic("no data for " + string(typ))
}

// eventOf makes a valid event of a type.
func eventOf(typ schema.Type) *rapid.Generator[*document] {
	name := quoted(rapid.StringMatching(`[\p{L}\p{N} /:._-]{1,20}`))
	digits := rapid.StringMatching(`[0-9]{1,19}`)
	made := object(
		slot{"specversion", true, oneOf("1.0")},
		slot{"id", true, name},
		slot{"source", true, name},
		slot{"type", true, oneOf(typ)},
		slot{"datacontenttype", false, oneOf("application/json", "text/json; charset=utf-8", "application/x+json")},
		slot{"time", true, moment},
		slot{"subject", true, quoted(rapid.StringMatching(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`))},
		slot{"projectid", true, rapid.Map(score(1, 1<<31-1), func(m documentMember) documentMember { return m })},
		slot{"sequence", false, rapid.OneOf(quoted(digits), raw(rapid.StringMatching(`[1-9][0-9]{0,18}`)))},
		slot{"data_base64", false, raw(rapid.Just("null"))},
		slot{"data", true, dataOf(typ)},
		slot{"traceparent", false, anyText},
	)
	return rapid.Map(made, func(m documentMember) *document {
		withSubject(m.sub)
		return m.sub
	})
}

// withSubject sets the subject of a profile's event that its id requires.
func withSubject(d *document) {
	var project schema.ProjectID
	if _, err := fmt.Sscan(d.get("projectid"), &project); err != nil {
		panic(err)
	}
	for _, kind := range []schema.ProfileKind{schema.ProfileCustomer, schema.ProfileSeller} {
		var id string
		if text := d.get("data." + string(kind) + ".id"); text != "" {
			if err := json.Unmarshal([]byte(text), &id); err != nil {
				panic(err)
			}
			set("subject", quote(string(schema.ProfileSubject(project, kind, id))))(d)
		}
	}
}
