package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// copiesError is a server's refusal to keep so many copies of a stream. It is an [ErrUnavailable] if it may keep them later.
type copiesError struct {
	copies int
	cause  error
}

// Error says what to do.
func (e *copiesError) Error() string {
	return fmt.Sprintf("the NATS servers cannot keep %d copies of a stream: start as many servers of one cluster, or choose fewer copies with --nats-replicas: %v", max(e.copies, 1), e.cause)
}

// Unwrap returns the server's answer.
func (e *copiesError) Unwrap() error { return e.cause }

// copies explains an error if it is about the number of copies.
func (o *Options) copies(err error) error {
	var answered *apiError
	if errors.As(err, &answered) && (answered.Code == codeNoPeers || answered.Code == codeNotClustered) {
		return &copiesError{o.Replicas, err}
	}
	return err
}

// replicate gives the buckets that exist as many copies as the options say; new ones are made with them.
func (b *Broker) replicate(ctx context.Context) error {
	if b.options.Observe || b.options.Replicas == 0 {
		return nil
	}
	return b.vault.each(ctx, bucketPrefix, func(info *jetstream.StreamInfo) error {
		config := info.Config
		if config.Replicas == b.options.Replicas {
			return nil
		}
		config.Replicas = b.options.Replicas
		_, err := b.vault.js.UpdateStream(ctx, config)
		return b.options.copies(classed(err))
	})
}

// each calls do with every stream of the account whose name begins so.
func (b *Broker) each(ctx context.Context, prefix string, do func(*jetstream.StreamInfo) error) error {
	ctx, cancel := b.bounded(ctx)
	defer cancel()
	list := b.js.ListStreams(ctx)
	var first error
	for info := range list.Info() {
		if first == nil && strings.HasPrefix(info.Config.Name, prefix) {
			first = do(info)
		}
	}
	if err := list.Err(); err != nil {
		return classed(err)
	}
	return first
}

// awayAfter is the silence after which a server counts as away. Servers that were killed are called offline only after minutes.
const awayAfter = 10 * time.Second

// Copies describes how the logs and buckets are kept in a cluster.
type Copies struct {
	Cluster string // its name; empty for a server that is alone
	Streams int    // logs and buckets
	Fewest  int    // copies of the one that has the fewest
	Single  []string
	// Leaderless are those that cannot be used now, because too few of the servers that hold a copy run.
	Leaderless []string
	// Away are the servers that do not run or cannot be reached, with the streams of which they have a copy. Behind are those
	// that are catching up.
	Away, Behind map[string][]string
}

// Copies asks the servers.
func (b *Broker) Copies(ctx context.Context) (*Copies, error) {
	c := &Copies{Away: map[string][]string{}, Behind: map[string][]string{}}
	note := func(info *jetstream.StreamInfo) error { c.add(info); return nil }
	err := b.each(ctx, streamPrefix, note)
	if err == nil {
		err = b.vault.each(ctx, bucketPrefix, note)
	}
	return c, err
}

func (c *Copies) add(info *jetstream.StreamInfo) {
	name, copies := info.Config.Name, max(info.Config.Replicas, 1)
	if c.Streams++; c.Fewest == 0 || copies < c.Fewest {
		c.Fewest = copies
	}
	if info.Cluster == nil || info.Cluster.Name == "" {
		return
	}
	c.Cluster = info.Cluster.Name
	if copies == 1 {
		c.Single = append(c.Single, name)
	}
	if info.Cluster.Leader == "" { // then the copies say nothing of each other
		c.Leaderless = append(c.Leaderless, name)
		return
	}
	for _, peer := range info.Cluster.Replicas {
		switch {
		case peer.Offline, !peer.Current && peer.Active > awayAfter:
			c.Away[peer.Name] = append(c.Away[peer.Name], name)
		case !peer.Current:
			c.Behind[peer.Name] = append(c.Behind[peer.Name], name)
		}
	}
}
