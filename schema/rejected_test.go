package schema

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

func TestRejectedSurvivesItsMessage(t *testing.T) {
	r := Rejected{
		Reason: CodeInvalid, Detail: "time: must be", Project: 7, Source: "/s", EventID: "1",
		ReceivedAt: time.UnixMilli(1700000000123).UTC(), Original: []byte("\xff\x00{"), Size: 3,
	}
	got, err := DecodeRejected(EncodeRejected(r))
	if err != nil || !reflect.DeepEqual(got, r) || got.Truncated() {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestRejectedKeepsTheBeginningOfALongEvent(t *testing.T) {
	long := bytes.Repeat([]byte("x"), MaxRequestBytes)
	payload := EncodeRejected(Rejected{Reason: CodeTooLarge, Original: long, Source: string(long), EventID: string(long)})
	if len(payload) > 1<<20-1024 {
		t.Fatalf("%d bytes do not fit into a message", len(payload))
	}
	got, err := DecodeRejected(payload)
	if err != nil || len(got.Original) != MaxRejectedBytes || got.Size != len(long) || !got.Truncated() {
		t.Fatalf("%d of %d bytes, %v", len(got.Original), got.Size, err)
	}
}

func TestOtherThanARejectedMessageIsRefused(t *testing.T) {
	for _, payload := range []string{"", "[]", "{}", `{"reason":1}`, `{"reason":"X","original":"%"}`} {
		if _, err := DecodeRejected([]byte(payload)); err == nil {
			t.Errorf("%q was taken", payload)
		}
	}
}
