// Package events holds the contract of the event stream as files: one JSON
// Schema (2020-12) per event type, named after the type, common.json with what
// they share, and asyncapi.yaml, an AsyncAPI 3.0 document that describes the
// stream and the HTTP channel into it.
//
// A schema describes a whole event in the structured mode of CloudEvents JSON.
// References between files are relative to the folder, so the files work where
// they lie, under a URL, and from Files.
//
// schema.Decode is what judges events; the schemas tell senders how. Tests
// compare the two: what Decode takes its schema takes, and what Decode refuses
// its schema refuses, but for the rules that JSON Schema cannot say. Those are
// listed in the description of common.json.
//
// Inside a version a schema changes additively: optional members may come,
// nothing goes, and unknown members are always allowed.
package events

import "embed"

// Files holds every file of the contract, at the top of the file system.
//
//go:embed *.json asyncapi.yaml
var Files embed.FS
