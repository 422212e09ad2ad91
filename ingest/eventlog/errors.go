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
	case codeAtomicIncomplete, codeAtomicInFlight, codeDuplicateStaged, codeTooManyRequests:
		return class == ErrUnavailable
	default:
		return class == ErrUnavailable && e.Status == 503
	}
}

// classed wraps an error of nats.go with the class it belongs to.
func classed(err error) error {
	if err == nil {
		return nil
	}
	var api *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrMsgNotFound),
		errors.Is(err, jetstream.ErrKeyDeleted):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, jetstream.ErrKeyExists):
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.As(err, &api):
		own := &apiError{Code: int(api.ErrorCode), Status: api.Code, Description: api.Description}
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
