package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/schema"
)

// The classes of failure that callers distinguish. Every other error is a fault of configuration or of this package.
var (
	// ErrFull means that a limit of the stream, the account or the disk is
	// reached. Nothing was stored; appends fail until space is freed.
	ErrFull = errors.New("the log is full")
	// ErrUnavailable means that the log could not be reached, or did not answer
	// in time. Retrying is always safe because of message ids.
	ErrUnavailable = errors.New("the log is unavailable")
	// ErrUnknownOutcome is an ErrUnavailable after which messages may or may
	// not have been stored: the answer was lost and the outcome could not be determined.
	ErrUnknownOutcome = fmt.Errorf("%w: the outcome is unknown", ErrUnavailable)
	// ErrTooLarge means that a message is larger than the server accepts.
	ErrTooLarge = errors.New("the message is larger than the server accepts")
	// ErrNotFound means that the message or key does not exist.
	ErrNotFound = schema.ErrNotFound
	// ErrConflict means that a key has another revision than the caller expected.
	ErrConflict = errors.New("changed by another process")
)

// JetStream error codes that decide what to do next.
const (
	codeAccountResources = 10002 // account limits
	codeResources        = 10023 // server limits, disk full
	codeMemoryResources  = 10028
	codeStorageResources = 10047
	codeWrongLastSeq     = 10071 // expected last sequence
	codeWrongLastSeqTwo  = 10164 // the same, without the number
	codeMessageSize      = 10054 // over the stream's limit for a message
	codeStoreFailed      = 10077 // "maximum bytes exceeded" and the like

	codeAtomicDisabled   = 10174
	codeAtomicIncomplete = 10176
	codeAtomicTooLarge   = 10199
	codeAtomicDuplicate  = 10201
	codeAtomicInFlight   = 10210
	codeDuplicateStaged  = 10158 // the first one is not stored yet
	codeTooManyRequests  = 10167 // its queue is full

	codeNoMessage       = 10037
	codeNoPeers         = 10005 // too few servers of the cluster run, or have room, for the copies
	codeNotClustered    = 10074 // the server is alone
	codeNotAssigned     = 10007 // what follows are servers of a cluster that cannot help now
	codeNotLeader       = 10009
	codeStreamOffline   = 10118
	codeConsumerOffline = 10119
)

// apiError is an error as JetStream answers it.
type apiError struct {
	Code        int    `json:"err_code"`
	Status      int    `json:"code"`
	Description string `json:"description"`
}

// Error returns JetStream's description.
func (e *apiError) Error() string {
	return fmt.Sprintf("jetstream: %s (%d)", e.Description, e.Code)
}

// Is makes the classes of this package visible to errors.Is.
func (e *apiError) Is(class error) bool {
	switch e.Code {
	case codeAccountResources, codeResources, codeMemoryResources, codeStorageResources, codeStoreFailed:
		return class == ErrFull
	case codeMessageSize:
		return class == ErrTooLarge
	case codeNoMessage:
		return class == ErrNotFound
	case codeAtomicIncomplete, codeAtomicInFlight, codeDuplicateStaged, codeTooManyRequests,
		codeNoPeers, codeNotAssigned, codeNotLeader, codeStreamOffline, codeConsumerOffline:
		return class == ErrUnavailable
	default:
		return class == ErrUnavailable && e.Status == 503
	}
}

// answerOf returns the server's answer in an error of nats.go; nil if it is none. Watches of buckets still use the older of its two
// clients for JetStream.
func answerOf(err error) *apiError {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return &apiError{Code: int(api.ErrorCode), Status: api.Code, Description: api.Description}
	}
	var older *nats.APIError
	if errors.As(err, &older) {
		return &apiError{Code: int(older.ErrorCode), Status: older.Code, Description: older.Description}
	}
	return nil
}

// classed wraps an error of nats.go with the class it belongs to.
func classed(err error) error {
	if err == nil {
		return nil
	}
	own := answerOf(err)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrMsgNotFound),
		errors.Is(err, jetstream.ErrKeyDeleted):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, jetstream.ErrKeyExists):
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case own != nil:
		if own.Code == codeWrongLastSeq || own.Code == codeWrongLastSeqTwo {
			return fmt.Errorf("%w: %w", ErrConflict, own)
		}
		return own
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrDisconnected),
		errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionReconnecting),
		errors.Is(err, nats.ErrStaleConnection), errors.Is(err, nats.ErrNoServers), errors.Is(err, jetstream.ErrNoStreamResponse):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return err
	}
}

// classedReader is classed for requests that make a consumer. It needs no disk, so if there is no room for it, the server of the
// cluster that was to have it does not run.
func classedReader(err error) error {
	err = classed(err)
	var answered *apiError
	if errors.As(err, &answered) && answered.Code == codeResources {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// classedWrite is classed for writes: if the answer is lost, the outcome is unknown.
func classedWrite(err error) error {
	err = classed(err)
	var answered *apiError
	if errors.Is(err, ErrUnavailable) && !errors.As(err, &answered) &&
		!errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, jetstream.ErrNoStreamResponse) && !errors.Is(err, nats.ErrReconnectBufExceeded) {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}
