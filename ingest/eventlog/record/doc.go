// Package record is the format of the messages of a log: a record holds 1 to 4,096 events. FORMAT.md
// beside this file describes the bytes; testdata/reader is a second reader, written from it alone.
//
// A message without the header Parley-Events is a record of one: its payload is the event, as any
// NATS client may publish it. A message with that header that does not follow the format is a record
// of one too, so that it reaches quarantine and stops nothing.
//
// Payloads of several events are compressed with zstd. Measured with 1,000 generated events of a
// mean of 440 bytes (BenchmarkCodecs): see FORMAT.md.
package record
