package cells

import (
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// Column is a column of a table of R, or an element of a compound column. It keeps
// small buffers between blocks: one goroutine uses it at a time.
type Column[R any] struct {
	Name string
	Kind string // the type in ClickHouse
	// prefix comes before the cells; nil for none.
	prefix func(b []byte) []byte
	// cells appends a cell for each row. It may refuse with [ErrLarge] several rows that are too large for a block of so many bytes.
	cells func(b []byte, rows []R, most int) ([]byte, error)
}

// plain is a column whose cells cannot fail.
func plain[R any](name, kind string, cells func(b []byte, rows []R) []byte) Column[R] {
	return Column[R]{Name: name, Kind: kind, cells: func(b []byte, rows []R, _ int) ([]byte, error) { return cells(b, rows), nil }}
}

// integer is a number of a fixed size.
type integer interface {
	~uint8 | ~uint32 | ~uint64 | ~int64
}

func appendInteger[N integer](b []byte, n N) []byte {
	switch binary.Size(n) {
	case 1:
		return append(b, byte(n))
	case 4:
		return binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return binary.LittleEndian.AppendUint64(b, uint64(n))
}

func kindOf[N integer]() string {
	var zero N
	switch size := binary.Size(zero); {
	case size == 1:
		return "UInt8"
	case size == 4:
		return "UInt32"
	case zero-1 > 0:
		return "UInt64"
	}
	return "Int64"
}

const (
	kindMoment = "DateTime64(3, 'UTC')"
	kindAmount = "Decimal(18, 4)"
)

// Number is a number.
func Number[R any, N integer](name string, of func(*R) N) Column[R] {
	return numberAs(name, kindOf[N](), of)
}

// numberAs is a number that ClickHouse knows as something else.
func numberAs[R any, N integer](name, kind string, of func(*R) N) Column[R] {
	return plain(name, kind, func(b []byte, rows []R) []byte {
		for i := range rows {
			b = appendInteger(b, of(&rows[i]))
		}
		return b
	})
}

// Moment is a time.
func Moment[R any](name string, of func(*R) schema.Timestamp) Column[R] {
	return numberAs(name, kindMoment, of)
}

// Amount is an amount of money.
func Amount[R any](name string, of func(*R) schema.Amount) Column[R] {
	return numberAs(name, kindAmount, of)
}

func appendFlag(b []byte, on bool) []byte {
	if on {
		return append(b, 1)
	}
	return append(b, 0)
}

// Flag is a truth value.
func Flag[R any](name string, of func(*R) bool) Column[R] {
	return numberAs(name, "Bool", func(r *R) uint8 {
		if of(r) {
			return 1
		}
		return 0
	})
}

// FlagOrNull is a truth value or NULL.
func FlagOrNull[R any](name string, of func(*R) *bool) Column[R] {
	return orNull(name, "Bool", of, appendFlag)
}

// orNull writes which cells are NULL, and then all cells; zero for NULL.
func orNull[R, V any](name, kind string, of func(*R) *V, put func(b []byte, v V) []byte) Column[R] {
	return plain(name, "Nullable("+kind+")", func(b []byte, rows []R) []byte {
		for i := range rows {
			null := byte(0)
			if of(&rows[i]) == nil {
				null = 1
			}
			b = append(b, null)
		}
		var zero V
		for i := range rows {
			v := &zero
			if given := of(&rows[i]); given != nil {
				v = given
			}
			b = put(b, *v)
		}
		return b
	})
}

// NumberOrNull is a number or NULL.
func NumberOrNull[R any, N integer](name string, of func(*R) *N) Column[R] {
	return orNull(name, kindOf[N](), of, appendInteger[N])
}

// MomentOrNull is a time or NULL.
func MomentOrNull[R any](name string, of func(*R) *schema.Timestamp) Column[R] {
	return orNull(name, kindMoment, of, appendInteger[schema.Timestamp])
}

func appendText[S ~string | ~[]byte](b []byte, text S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// Text is a text.
func Text[R any, S ~string | ~[]byte](name string, of func(*R) S) Column[R] {
	return plain(name, "String", func(b []byte, rows []R) []byte {
		for i := range rows {
			b = appendText(b, of(&rows[i]))
		}
		return b
	})
}

// TextOrNull is a text or NULL.
func TextOrNull[R any](name string, of func(*R) *string) Column[R] {
	return orNull(name, "String", of, appendText[string])
}

// Word is a text with few distinct values: LowCardinality.
func Word[R any, S ~string](name string, of func(*R) S) Column[R] {
	d := &dictionary{}
	c := plain(name, "LowCardinality(String)", func(b []byte, rows []R) []byte {
		d.begin(1) // the first is the default value
		for i := range rows {
			d.add(string(of(&rows[i])))
		}
		return d.append(b)
	})
	c.prefix = dictionaryPrefix
	return c
}

// WordOrNull is a text with few distinct values, or NULL.
func WordOrNull[R any, S ~string](name string, of func(*R) *S) Column[R] {
	d := &dictionary{}
	c := plain(name, "LowCardinality(Nullable(String))", func(b []byte, rows []R) []byte {
		d.begin(2) // NULL and the default value
		for i := range rows {
			if s := of(&rows[i]); s != nil {
				d.add(string(*s))
			} else {
				d.keys = append(d.keys, 0)
			}
		}
		return d.append(b)
	})
	c.prefix = dictionaryPrefix
	return c
}

// dictionary is the cells of a LowCardinality column: its words, each once, and the position of
// each cell's word among them.
type dictionary struct {
	places map[string]uint32
	words  []string
	keys   []uint32
	latest string // the word added last
	place  uint32 // and its place
}

// mostKept is how many elements a buffer between blocks may have.
const mostKept = 1 << 15

// begin starts with a number of words that no cell uses.
func (d *dictionary) begin(reserved int) {
	if d.places == nil {
		d.places = map[string]uint32{}
	}
	clear(d.places)
	clear(d.words)
	d.words, d.keys = append(d.words[:0], make([]string, reserved)...), d.keys[:0]
	d.latest, d.place = "", 0
}

func (d *dictionary) add(word string) {
	if d.place == 0 || word != d.latest {
		place, known := d.places[word]
		if !known {
			place = uint32(len(d.words))
			d.words = append(d.words, word)
			d.places[word] = place
		}
		d.latest, d.place = word, place
	}
	d.keys = append(d.keys, d.place)
}

const (
	dictionaryVersion = 1            // SharedDictionariesWithAdditionalKeys
	dictionaryFlags   = 1<<9 | 1<<10 // with its own keys, to be added
	mostBytePlaces    = 1<<8 - 1
	mostShortPlaces   = 1<<16 - 1
)

func dictionaryPrefix(b []byte) []byte {
	return binary.LittleEndian.AppendUint64(b, dictionaryVersion)
}

func (d *dictionary) append(b []byte) []byte {
	if len(d.keys) == 0 {
		return b
	}
	size := uint64(0) // 0, 1, 2 for places of 1, 2, 4 bytes
	switch {
	case len(d.words) > mostShortPlaces:
		size = 2
	case len(d.words) > mostBytePlaces:
		size = 1
	}
	b = binary.LittleEndian.AppendUint64(b, dictionaryFlags|size)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(d.words)))
	for _, w := range d.words {
		b = appendText(b, w)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(len(d.keys)))
	for _, place := range d.keys {
		switch size {
		case 0:
			b = append(b, byte(place))
		case 1:
			b = binary.LittleEndian.AppendUint16(b, uint16(place))
		default:
			b = binary.LittleEndian.AppendUint32(b, place)
		}
	}
	if cap(d.keys) > mostKept || cap(d.words) > mostKept {
		*d = dictionary{}
	}
	return b
}

// List is an Array: where the elements of each row end, and all elements.
func List[R, E any](name string, of func(*R) []E, element Column[E]) Column[R] {
	return Column[R]{Name: name, Kind: "Array(" + element.Kind + ")", prefix: element.prefix, cells: elements(of, element.cells)}
}

func elements[R, E any](of func(*R) []E, cells func([]byte, []E, int) ([]byte, error)) func([]byte, []R, int) ([]byte, error) {
	var kept []E
	return func(b []byte, rows []R, most int) ([]byte, error) {
		count := 0
		for i := range rows {
			count += len(of(&rows[i]))
			b = binary.LittleEndian.AppendUint64(b, uint64(count))
		}
		if count > most/elementBytes && len(rows) > 1 {
			return b, ErrLarge
		}
		all := slices.Grow(kept[:0], count)
		for i := range rows {
			all = append(all, of(&rows[i])...)
		}
		b, err := cells(b, all, most)
		clear(all)
		if kept = all; cap(kept) > mostKept {
			kept = nil
		}
		return b, err
	}
}

// elementBytes are the bytes of a block that an element of a list counts for at least: all of a column are held together
// while they are encoded.
const elementBytes = 8

// Tuple combines several columns into one.
func Tuple[R any](name string, columns ...Column[R]) Column[R] {
	named := make([]string, len(columns))
	for i, c := range columns {
		named[i] = c.Name + " " + c.Kind
	}
	return Column[R]{Name: name, Kind: "Tuple(" + strings.Join(named, ", ") + ")",
		prefix: func(b []byte) []byte {
			for _, c := range columns {
				if c.prefix != nil {
					b = c.prefix(b)
				}
			}
			return b
		},
		cells: func(b []byte, rows []R, most int) (_ []byte, err error) {
			for _, c := range columns {
				if b, err = c.cells(b, rows, most); err != nil {
					return b, err
				}
			}
			return b, nil
		}}
}

// Pairs is a Map, which is written as a list of pairs. They come in the order of
// their keys, so that a row written again is the same bytes.
func Pairs[R, E any](name string, of func(*R) []E, key, value Column[E]) Column[R] {
	pair := Tuple("", key, value)
	return Column[R]{Name: name, Kind: "Map(" + key.Kind + ", " + value.Kind + ")", prefix: pair.prefix, cells: elements(of, pair.cells)}
}

// Sum is an exact decimal in 128 bits with four digits after the decimal point.
func Sum[R any](name string, of func(*R) decimal.Decimal) Column[R] {
	return Column[R]{Name: name, Kind: "Decimal(38, 4)", cells: func(b []byte, rows []R, _ int) ([]byte, error) {
		for i := range rows {
			d := of(&rows[i]).Shift(4)
			if !d.IsInteger() || d.NumDigits()+int(d.Exponent()) > 38 {
				return b, errors.New("a sum does not fit into 38 digits with 4 after the decimal point")
			}
			b = append(b, wide(d.BigInt())...)
		}
		return b, nil
	}}
}

// wide is a number in the two's complement of 128 bits, lowest byte first.
func wide(n *big.Int) []byte {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	b := n.FillBytes(make([]byte, 16))
	slices.Reverse(b)
	return b
}
