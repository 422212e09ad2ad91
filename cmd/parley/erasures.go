package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/backup"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/erase"
	"github.com/parley-analytics/parley/schema"
)

// erasuresBucket records what was erased, as PROJECT.CONVERSATION with the time, so that a restore of
// an older backup can erase it again. The ids name nobody: those of conversations stay in the log too.
const erasuresBucket = "PARLEY_ERASURES"

func openErasures(ctx context.Context, broker *eventlog.Broker) (*eventlog.Bucket, error) {
	return broker.Bucket(ctx, erasuresBucket, eventlog.BucketConfig{Description: "conversations that were erased from parley"})
}

// noteErasure records an erasure. It is called before it begins: one that is recorded and not made is
// made by the next attempt.
func noteErasure(ctx context.Context, broker *eventlog.Broker, target erase.Target, found *erase.Found) error {
	bucket, err := openErasures(ctx, broker)
	if err != nil {
		return err
	}
	subjects := found.Conversations
	if target.Visitor != nil {
		subjects = append(subjects, schema.ProfileSubject(target.Project, schema.ProfileCustomer, *target.Visitor))
	}
	now := []byte(time.Now().UTC().Format(time.RFC3339Nano))
	for _, id := range subjects {
		key := fmt.Sprintf("%d.%s", target.Project, id)
		if err := bucket.Update(ctx, key, func([]byte) ([]byte, error) { return now, nil }); err != nil {
			return fmt.Errorf("record the erasure: %w", err)
		}
	}
	return nil
}

// listErasures returns all that were made.
func listErasures(ctx context.Context, broker *eventlog.Broker) ([]backup.Erasure, error) {
	bucket, err := openErasures(ctx, broker)
	if err != nil {
		return nil, err
	}
	values, err := bucket.List(ctx, "")
	if err != nil {
		return nil, err
	}
	list := make([]backup.Erasure, 0, len(values))
	for key, value := range values {
		project, conversation, _ := strings.Cut(key, ".")
		number, err := strconv.ParseUint(project, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("bucket %s has a key that is not PROJECT.CONVERSATION", erasuresBucket)
		}
		at, err := time.Parse(time.RFC3339Nano, string(value))
		if err != nil {
			return nil, fmt.Errorf("bucket %s has a value that is not a time: %w", erasuresBucket, err)
		}
		list = append(list, backup.Erasure{Project: schema.ProjectID(number), Conversation: schema.ConversationID(conversation), At: at})
	}
	return list, nil
}
