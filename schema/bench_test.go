package schema_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

// BenchmarkDecode decodes the full example of each type (300 to 600 bytes),
// and then all of them in turn.
func BenchmarkDecode(b *testing.B) {
	var mix [][]byte
	for _, typ := range schema.Types() {
		raw := []byte(full(b, typ).String())
		mix = append(mix, raw)
		b.Run(strings.TrimPrefix(string(typ), "parley."), func(b *testing.B) { decodeAll(b, raw) })
	}
	b.Run("mix", func(b *testing.B) { decodeAll(b, mix...) })
}

// decodeAll decodes one of the events an operation, in turn.
func decodeAll(b *testing.B, all ...[]byte) {
	size := len(bytes.Join(all, nil)) / len(all)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := schema.Decode(all[i%len(all)], taken); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeText is a message with a long text of letters beyond ASCII
// and escapes.
func BenchmarkDecodeText(b *testing.B) {
	text := strings.Repeat(`Où en est ma commande ? \"n° 42\"\n`, 20)
	decodeAll(b, []byte(full(b, schema.TypeMessage, set("data.text", `"`+text+`"`)).String()))
}
