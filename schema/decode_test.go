package schema_test

import (
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

func TestDecodeReadsAPushedEvent(t *testing.T) {
	raw := `{"specversion":"1.0","id":"s3","source":"example","type":"parley.conversation.pushed.v1","time":"2024-03-01T11:00:01Z","subject":"0B9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01","projectid":9999,"datacontenttype":"application/json","data":{"toUser":{"id":42,"kind":"PROFESSIONAL","name":"Ada"}}}`
	e, err := schema.Decode([]byte(raw), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	to := e.Data.(*schema.Pushed).To
	if e.Project != 9999 || e.Conversation != "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01" || to.ID != 42 || *to.Name != "Ada" {
		t.Errorf("got %+v", e)
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := []byte(`{"specversion":"1.0","id":"s3","source":"example","type":"parley.conversation.pushed.v1","time":"2024-03-01T11:00:01Z","subject":"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01","projectid":9999,"datacontenttype":"application/json","data":{"toUser":{"id":42,"kind":"PROFESSIONAL","name":"Ada"}}}`)
	taken := time.Now()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schema.Decode(raw, taken); err != nil {
			b.Fatal(err)
		}
	}
}
