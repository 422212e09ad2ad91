package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/parley-analytics/parley/schema"
)

func newCodec(t testing.TB) *Codec {
	t.Helper()
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// realistic returns events that resemble those of a log.
func realistic(n int) (events [][]byte) {
	for i := range n {
		events = append(events, fmt.Appendf(nil, `{"specversion":"1.0","id":"evt-%x","source":"/routing/eu-1","type":"parley.conversation.pushed.v1",`+
			`"time":"2026-01-02T03:04:%02d.%03dZ","subject":"%08x-7c1e-4a53-9d52-%012x","projectid":%d,`+
			`"data":{"toUser":{"id":%d,"kind":"PROFESSIONAL","name":"Agent %x","email":"agent.%x@example.com"}}}`,
			uint64(i)*0x9e3779b97f4a7c15, i%60, i%1000, uint32(i/20)*0x9e3779b9, uint64(i/20)*0x9e3779b97f4a7&0xffffffffffff, i%7+1, i%300, i%300, i%300))
	}
	return events
}

func equal(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func TestRecordIsReadAsWritten(t *testing.T) {
	c := newCodec(t)
	for _, events := range [][][]byte{
		{[]byte(`1`)}, {[]byte(`{}`), []byte(`[]`)}, {[]byte(`"a,\\n"`), []byte(`{"b": "[,]"}`)}, realistic(100), realistic(2000),
		slices.Repeat([][]byte{[]byte(`{}`)}, MaxEvents), {[]byte(`"` + strings.Repeat("x", MaxBytes-7) + `"`), []byte(`0`)},
	} {
		header, payload, err := c.Encode(Batch{ContentType: CloudEvents, Events: events})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(header, payload)
		if err != nil || !equal(got, events) {
			t.Errorf("%d events: %v", len(events), err)
		}
		plain, err := c.unpack(payload)
		var array []json.RawMessage
		if err != nil || json.Unmarshal(plain, &array) != nil || len(array) != len(events) {
			t.Errorf("the payload is no JSON array of %d events: %v", len(events), err)
		}
	}
}

func TestLineFeedsBetweenValuesBecomeSpaces(t *testing.T) {
	c := newCodec(t)
	header, payload, err := c.Encode(Batch{Events: [][]byte{[]byte("{\n\"a\":\r\n1}"), []byte("\n2\n")}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(header, payload)
	if err != nil || !equal(got, [][]byte{[]byte("{ \"a\":\r 1}"), []byte(" 2 ")}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestHeadersSayWhatIsInside(t *testing.T) {
	c := newCodec(t)
	header, payload, err := c.Encode(Batch{
		ContentType: CloudEvents, Events: [][]byte{[]byte(`{}`), []byte(`{}`)},
		First: time.UnixMilli(1_700_000_000_001), Last: time.UnixMilli(1_700_000_001_000),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Content-Type": "application/cloudevents-batch+json", "Content-Encoding": "zstd", "Parley-Events": "2", "Parley-Sum": Sum(payload),
		"Parley-First-Time": "2023-11-14T22:13:20.001Z", "Parley-Last-Time": "2023-11-14T22:13:21.000Z",
	}
	for name, value := range want {
		if got := header[name]; !slices.Equal(got, []string{value}) {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if len(header) != len(want) {
		t.Errorf("headers %v", header)
	}
}

func TestRecordsHaveLimits(t *testing.T) {
	c := newCodec(t)
	for name, events := range map[string][][]byte{
		"none":           {},
		"too many":       slices.Repeat([][]byte{[]byte(`0`)}, MaxEvents+1),
		"too many bytes": {[]byte(`"` + strings.Repeat("x", MaxBytes-3) + `"`)},
	} {
		if _, _, err := c.Encode(Batch{Events: events}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if !Fits(1, 5, MaxBytes-7) || Fits(1, 5, MaxBytes-6) || Fits(MaxEvents, 5, 1) {
		t.Error("Fits differs from what Encode accepts")
	}
}

// TestHostileMessages come from clients that may publish to the stream.
func TestHostileMessages(t *testing.T) {
	c := newCodec(t)
	pack := func(plain string) []byte { return c.packer.EncodeAll([]byte(plain), nil) }
	header := func(events string, more ...string) map[string][]string {
		h := map[string][]string{HeaderEvents: {events}, headerEncoding: {encodingZstd}}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	streamed, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var unsized bytes.Buffer
	streamed.Reset(&unsized)
	fmt.Fprint(streamed, strings.Repeat("[1,\n2]", 1<<20))
	if err := streamed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]struct {
		header  map[string][]string
		payload []byte
	}{
		"no number":         {header("x"), pack("[1]")},
		"zero events":       {header("0"), pack("[1]")},
		"negative":          {header("-1"), pack("[1]")},
		"too many":          {header("4097"), pack("[1]")},
		"more than stated":  {header("1"), pack("[1,\n2]")},
		"less than stated":  {header("3"), pack("[1,\n2]")},
		"not compressed":    {header("1"), []byte("[1]")},
		"another encoding":  {header("1", headerEncoding, "gzip"), pack("[1]")},
		"no array":          {header("1"), pack(`{"a":1}`)},
		"empty":             {header("1"), nil},
		"nothing inside":    {header("1"), pack("[]")},
		"cut off":           {header("2"), pack("[1,\n2]")[:10]},
		"two on a line":     {header("2"), pack("[1,2]")},
		"an empty line":     {header("2"), pack("[1,\n]")},
		"a stray line feed": {header("2"), pack("[1,\n2\n3]")},
		"a bomb":            {header("1"), pack("[" + strings.Repeat("1", 200<<20) + "]")},
		"a bomb of no size": {header("1"), unsized.Bytes()},
	} {
		events, err := c.Decode(m.header, m.payload)
		if !errors.Is(err, ErrMalformed) || events != nil {
			t.Errorf("%s: %d events, %v", name, len(events), err)
		}
	}
	for _, h := range []map[string][]string{nil, {"Content-Type": {"application/json"}}} {
		if _, err := c.Decode(h, []byte("{}")); !errors.Is(err, ErrSingle) {
			t.Errorf("%v: %v", h, err)
		}
	}
	if events, err := c.Decode(map[string][]string{HeaderEvents: {"2"}}, []byte("[1,\n2]")); err != nil || len(events) != 2 {
		t.Errorf("not compressed: %d events, %v", len(events), err)
	}
}

func TestRewrittenRecordIsReadAsWritten(t *testing.T) {
	c := newCodec(t)
	r := &Rewritten{ReceivedAt: time.Unix(1_700_000_000, 5).UTC(), Indexes: []int{0, 7, 4095}, Events: realistic(3)}
	stored, err := c.EncodeRewritten(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.DecodeRewritten(stored)
	if err != nil || !got.ReceivedAt.Equal(r.ReceivedAt) || !slices.Equal(got.Indexes, r.Indexes) || !equal(got.Events, r.Events) {
		t.Errorf("%+v, %v", got, err)
	}
	payload := stored[bytes.IndexByte(stored, '\n'):]
	for _, head := range []string{``, `{`, `{"indexes":[]}`, `{"indexes":[0,1]}`, `{"indexes":[0,7,4096]}`, `{"indexes":[0,7,7]}`, `{"indexes":[-1,0,1]}`} {
		if _, err := c.DecodeRewritten(append([]byte(head), payload...)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", head, err)
		}
	}
}

func TestSequencesAscendOverAllRecords(t *testing.T) {
	for _, singles := range []Number{0, 1, 4095, 4096, 4097, 1_000_000} {
		n := Numbering{Singles: singles}
		before := schema.Sequence(0)
		for record := max(1, singles-1); record < singles+4; record++ {
			for _, index := range []int{0, 1, MaxEvents - 1} {
				if record <= singles && index > 0 {
					continue
				}
				sequence := n.Sequence(record, index)
				if sequence <= before && before > 0 {
					t.Fatalf("singles %d: %d after %d", singles, sequence, before)
				}
				if gotRecord, gotIndex := n.Record(sequence); gotRecord != record || gotIndex != index {
					t.Fatalf("singles %d: %d is event %d of %d, want %d of %d", singles, sequence, gotIndex, gotRecord, index, record)
				}
				next := record
				if record <= singles || index == MaxEvents-1 {
					next++
				}
				if got := n.After(sequence); got != next {
					t.Fatalf("singles %d: after %d comes record %d, want %d", singles, sequence, got, next)
				}
				before = sequence
			}
			if got := n.After(n.Last(record)); got != record+1 {
				t.Fatalf("singles %d: after all of record %d comes %d", singles, record, got)
			}
		}
		if got := n.After(0); got != 1 {
			t.Fatalf("singles %d: the first record is %d", singles, got)
		}
		// Between the two parts there are numbers that no event has.
		if got := n.After(schema.Sequence(singles) + 1); got != singles+1 {
			t.Fatalf("singles %d: %d", singles, got)
		}
	}
}

// FuzzDecode checks that any message is refused or read, within the limits.
func FuzzDecode(f *testing.F) {
	c := newCodec(f)
	for _, events := range [][][]byte{realistic(1), realistic(3), {[]byte("1"), []byte("2")}} {
		header, payload, err := c.Encode(Batch{Events: events})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(header[HeaderEvents][0], encodingZstd, payload)
		plain, err := c.unpack(payload)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(header[HeaderEvents][0], "", plain)
	}
	f.Fuzz(func(t *testing.T, events, encoding string, payload []byte) {
		header := map[string][]string{HeaderEvents: {events}}
		if encoding != "" {
			header[headerEncoding] = []string{encoding}
		}
		got, err := c.Decode(header, payload)
		if err != nil {
			return
		}
		size := 0
		for _, e := range got {
			size += len(e)
		}
		if n, _ := strconv.Atoi(events); len(got) != n || n > MaxEvents || size > MaxBytes {
			t.Fatalf("%d events of %q, %d bytes", len(got), events, size)
		}
		again, stored, err := c.Encode(Batch{Events: got})
		if err != nil {
			t.Fatal(err)
		}
		if same, err := c.Decode(again, stored); err != nil || !equal(same, got) {
			t.Fatalf("read, written and read again: %v", err)
		}
	})
}

// FuzzDecodeRewritten does the same for what is left of a record.
func FuzzDecodeRewritten(f *testing.F) {
	c := newCodec(f)
	stored, err := c.EncodeRewritten(&Rewritten{Indexes: []int{1, 5}, Events: realistic(2)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored)
	f.Fuzz(func(t *testing.T, stored []byte) {
		r, err := c.DecodeRewritten(stored)
		if err == nil && (len(r.Events) != len(r.Indexes) || len(r.Events) == 0) {
			t.Fatalf("%d events with %d indexes", len(r.Events), len(r.Indexes))
		}
	})
}

// BenchmarkCodecs compares what was measured for the choice of the content encoding.
func BenchmarkCodecs(b *testing.B) {
	c := newCodec(b)
	for _, n := range []int{10, 100, 1000} {
		events := realistic(n)
		plain, err := lines(events)
		if err != nil {
			b.Fatal(err)
		}
		for name, codec := range map[string]struct {
			pack   func() []byte
			unpack func([]byte) ([]byte, error)
		}{
			"zstd": {func() []byte { return c.packer.EncodeAll(plain, nil) }, c.unpack},
			"s2":   {func() []byte { return s2.Encode(nil, plain) }, func(p []byte) ([]byte, error) { return s2.Decode(nil, p) }},
		} {
			packed := codec.pack()
			report := func(b *testing.B) {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
				b.ReportMetric(float64(len(packed))/float64(n), "bytes/event")
			}
			b.Run(fmt.Sprintf("%s/pack/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					codec.pack()
				}
				report(b)
			})
			b.Run(fmt.Sprintf("%s/read/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					plain, err := codec.unpack(packed)
					if err == nil {
						_, err = split(plain, n)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				report(b)
			})
		}
	}
}
