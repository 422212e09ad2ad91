package schema_test

import (
	"fmt"
	"time"

	"github.com/parley-analytics/parley/schema"
)

func ExampleDecode() {
	taken := time.Date(2024, time.March, 1, 11, 0, 2, 0, time.UTC)
	event, err := schema.Decode([]byte(`{
		"specversion": "1.0",
		"id": "s3",
		"source": "example",
		"type": "parley.conversation.pushed.v1",
		"time": "2024-03-01T12:00:01.2509+01:00",
		"subject": "0B9F6A52-6F7C-4C8E-9D0E-3A1F5B7C9D01",
		"projectid": 9999,
		"data": {"toUser": {"id": 42, "kind": "PROFESSIONAL", "name": null}}
	}`), taken)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.Key(), event.Conversation, event.Time)
	if pushed, ok := event.Data.(*schema.Pushed); ok {
		fmt.Println(pushed.To.ID, pushed.To.Kind, pushed.To.Name)
	}
	// Output:
	// {9999 example s3} 0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01 2024-03-01T11:00:01.250Z
	// 42 PROFESSIONAL <nil>
}

func ExampleDecode_refused() {
	event, err := schema.Decode([]byte(`{
		"specversion": "1.0",
		"id": "s3",
		"source": "example",
		"type": "parley.conversation.pushed.v1",
		"time": "2024-03-01T11:00:01Z",
		"subject": "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01",
		"projectid": 9999,
		"data": {"toUser": {"id": "42"}}
	}`), time.Now())
	fmt.Println(event.Project, event.ID)
	fmt.Println(err)
	// Output:
	// 9999 s3
	// INVALID_FIELD: data.toUser.id: must be an integer from 1 to 9007199254740991, without fraction or exponent
}
