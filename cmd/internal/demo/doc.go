// Package demo makes a realistic stream of conversations out of a seed: bots
// and people, snoozes, transfers, reopenings, visitors who give up, satisfaction
// answers, sales days later, several projects, channels and languages, busy and
// quiet hours.
//
// # One stream, always the same
//
// A [Stream] is an endless row of conversations numbered by time, in the past
// and in the future. Conversation n is a pure function of the stream's seed,
// name and spacing and of n: its ids, its times and every member of its events.
// A window of the stream ([Stream.Between]) therefore contains the same events
// whenever it is made, and windows that overlap agree where they do. Sending a
// window twice changes nothing, and a live stream continues where its past
// ended. What changes over the weeks of a history, a bot that is launched and a bad day, is in story.go.
//
//	n ──start──▶ moment on the weekly curve ──script──▶ about 20 events, in order of time
//
// Two streams share no ids unless seed, name and spacing are equal.
//
// # Speed
//
// One goroutine makes well over 500,000 events a second (see the benchmark), so
// that a measurement measures the pipeline, not the generator.
package demo
