package schema_test

import (
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestConversationIDIsFoldedToLowerCase(t *testing.T) {
	for text, want := range map[string]schema.ConversationID{
		"0B9F6A52-6f7c-4c8e-9d0e-3A1F5B7C9D01": "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01",
		"00000000-0000-0000-0000-000000000000": "00000000-0000-0000-0000-000000000000",
		"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF": "ffffffff-ffff-ffff-ffff-ffffffffffff",
	} {
		if got, err := schema.ParseConversationID(text); err != nil || got != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "0b9f6a526f7c4c8e9d0e3a1f5b7c9d01", "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d0", "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d011",
		"0b9f6a52_6f7c_4c8e_9d0e_3a1f5b7c9d01", "gb9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01", "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d0\x11",
	} {
		if got, err := schema.ParseConversationID(text); err == nil {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
}
