package eventlog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ServerVersion returns the version of the connected nats-server.
func (b *Broker) ServerVersion() string { return b.conn.ConnectedServerVersion() }

// Clock returns by how much the server's clock is ahead of this machine's, which is known to half of the time of a request.
func (b *Broker) Clock(ctx context.Context) (ahead, precision time.Duration, err error) {
	sent := time.Now()
	info, err := b.events.settings(ctx)
	if err != nil {
		return 0, 0, err
	}
	half := time.Since(sent) / 2
	return info.TimeStamp.Sub(sent.Add(half)), half, nil
}

// settings returns what the server tells about the stream.
func (s *Stream) settings(ctx context.Context) (*jetstream.StreamInfo, error) {
	stream, err := s.broker.js.Stream(ctx, s.name)
	if err != nil {
		return nil, classed(err)
	}
	return stream.CachedInfo(), nil
}

// Inspect describes how the server keeps the stream, and returns the settings that Parley does not want, each with what to do.
func (s *Stream) Inspect(ctx context.Context) (found string, faults []string, err error) {
	info, err := s.settings(ctx)
	if err != nil {
		return "", nil, err
	}
	c := info.Config
	for _, wrong := range []struct {
		is   bool
		text string
	}{
		{c.Storage != jetstream.FileStorage, "is kept in memory and lost with the server: copy it into one with file storage"},
		{c.Retention != jetstream.LimitsPolicy, "drops messages once they are read: set retention to limits"},
		{c.Discard != jetstream.DiscardNew, "drops old events when it is full: set discard to new"},
		{c.MaxAge > 0, fmt.Sprintf("drops events after %s, whether or not they are in the tables: set max_age to 0 and use --log-max-age", c.MaxAge)},
		{c.MaxMsgs > 0, fmt.Sprintf("takes at most %d messages: set max_msgs to -1 and use --log-max-bytes", c.MaxMsgs)},
		{c.MaxMsgsPerSubject > 0, "drops old events: set max_msgs_per_subject to -1"},
		{c.MaxMsgSize > 0 && c.MaxMsgSize < leastPayload, fmt.Sprintf("refuses large events: set max_msg_size to -1, or at least %d", leastPayload)},
		{c.PersistMode != jetstream.DefaultPersistMode, "acknowledges events that are not written yet: set persist_mode to default"},
		{c.NoAck, "acknowledges nothing: set no_ack to false"},
		{c.Sealed, "is sealed and accepts no events: restore it into another one"},
		{c.DenyPurge, "cannot be shortened by retention: set deny_purge to false"},
		{c.RePublish != nil, "is copied to another subject, which others may read: remove republish"},
		{c.Mirror != nil || len(c.Sources) > 0, "takes messages of other streams: remove mirror and sources"},
		{!slices.Equal(c.Subjects, []string{s.subject}), fmt.Sprintf("has the subjects %s instead of %s: restart serve", strings.Join(c.Subjects, ", "), s.subject)},
	} {
		if wrong.is {
			faults = append(faults, s.name+" "+wrong.text)
		}
	}
	return fmt.Sprintf("%s with replicas: %d", s.name, max(c.Replicas, 1)), faults, nil
}
