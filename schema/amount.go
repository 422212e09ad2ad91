package schema

import "strconv"

const ruleAmount = "must be a decimal number, as a JSON number or string: digits with an optional minus and point, no exponent, " +
	"at most 14 digits before the point and 4 after"

// ParseAmount reads a decimal number: an optional minus, at most 14 digits
// before the point without leading zeros, and a point with 1 to 4 digits where
// there is one. It counts digits as written: "1.00000" is refused. The error
// is an [*Error] without a field.
func ParseAmount(text string) (Amount, error) {
	a, ok := parseAmount(text)
	if !ok {
		return 0, &Error{Code: CodeInvalid, Rule: ruleAmount}
	}
	return a, nil
}

// parseAmount is ParseAmount over strings and bytes.
func parseAmount[T ~string | ~[]byte](text T) (a Amount, ok bool) {
	i, n := 0, len(text)
	negative := n > 0 && text[0] == '-'
	if negative {
		i++
	}
	whole := i
	for ; i < n && isDigit(text[i]); i++ {
		if i-whole == 14 {
			return 0, false
		}
		a = a*10 + Amount(text[i]-'0')
	}
	if i == whole || (text[whole] == '0' && i > whole+1) {
		return 0, false
	}
	decimals := 0
	if i < n && text[i] == '.' {
		for i++; i < n && isDigit(text[i]); i++ {
			if decimals++; decimals > 4 {
				return 0, false
			}
			a = a*10 + Amount(text[i]-'0')
		}
		if decimals == 0 {
			return 0, false
		}
	}
	if i < n {
		return 0, false
	}
	for ; decimals < 4; decimals++ {
		a *= 10
	}
	if negative {
		a = -a
	}
	return a, true
}

// String writes the shortest exact decimal, e.g. "129.9", "-5", "0.0001".
func (a Amount) String() string {
	var buf [24]byte
	out := buf[:0]
	u := uint64(a)
	if a < 0 {
		out = append(out, '-')
		u = -u
	}
	out = strconv.AppendUint(out, u/10_000, 10)
	if rest := u % 10_000; rest != 0 {
		out = append(out, '.')
		for scale := uint64(1000); rest != 0; scale /= 10 {
			out = append(out, byte('0'+rest/scale))
			rest %= scale
		}
	}
	return string(out)
}

// amount reads money, as a number or as a string.
func (o *object) amount() Amount {
	var text []byte
	switch c := o.peek(); {
	case c == '"':
		text = o.bytes(ruleAmount)
	case c == '-' || isDigit(c):
		text = o.number()
	default:
		o.wrong(ruleAmount)
		return 0
	}
	a, ok := parseAmount(text)
	if !ok {
		o.breaks(ruleAmount)
	}
	return a
}

const ruleCurrency = "must be three capital letters"

// currency reads an ISO 4217 code; it does not check that the code is assigned.
func (o *object) currency() Currency {
	b := o.bytes(ruleCurrency)
	good := len(b) == 3
	for _, c := range b {
		good = good && 'A' <= c && c <= 'Z'
	}
	if !good {
		o.breaks(ruleCurrency)
		return ""
	}
	return Currency(b)
}
