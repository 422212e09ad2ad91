package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// Format is the version of the format. A backup of a newer one is refused.
const Format = 1

// Manifest is what one backup consists of.
type Manifest struct {
	Format   int       `json:"format"`
	ID       string    `json:"id"`
	Previous string    `json:"previous,omitempty"` // the backup before it in the same place
	Began    time.Time `json:"began"`
	Parley   string    `json:"parley"` // the version of the binary

	// Log is the last sequence of each log when its copy began, so the copy has all events up to it.
	Log map[string]schema.Sequence `json:"log"`
	// First is the lowest sequence that the log of events may hold; only the tables have what came before.
	First schema.Sequence `json:"first"`
	// Positions are those of the tables, by log; nil without tables.
	Positions map[string]schema.Sequence `json:"positions,omitempty"`
	// Live is the version of the tables, 0 without tables.
	Live uint32 `json:"live,omitempty"`

	Streams []Stream `json:"streams"`
	Tables  []File   `json:"tables,omitempty"`
	// Settings are files of the data dir that hold no secrets.
	Settings []File `json:"settings,omitempty"`
	// Secrets are files of the data dir that are only part of a backup if that was asked for.
	Secrets []File `json:"secrets,omitempty"`
	// KeyHash is the SHA-256 of the key that sealed buckets are encrypted with.
	KeyHash string `json:"keyHash"`
	// Erasures are all that have been made until the backup began.
	Erasures []Erasure `json:"erasures,omitempty"`
}

// Stream is the copy of a stream or a bucket.
type Stream struct {
	eventlog.Snapshot
	Files []File `json:"files"`
}

// File is a file of a backup, stored under the hash of its content.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Hash string `json:"sha256"`
}

// Erasure is a conversation, or the profile of a customer, whose personal data was erased. It names
// nobody: the ids of conversations stay in the log too.
type Erasure struct {
	Project      schema.ProjectID      `json:"project"`
	Conversation schema.ConversationID `json:"conversation"`
	At           time.Time             `json:"at"`
}

// Each yields every file, with the name that a person knows it by.
func (m *Manifest) Each(yield func(name string, file File) bool) {
	for _, s := range m.Streams {
		for _, f := range s.Files {
			if !yield("log/"+s.Stream+"/"+f.Name, f) {
				return
			}
		}
	}
	for _, f := range m.Tables {
		if !yield("tables/"+f.Name, f) {
			return
		}
	}
	for _, f := range slices.Concat(m.Settings, m.Secrets) {
		if !yield(f.Name, f) {
			return
		}
	}
}

// stored is a manifest with its checksum.
type stored struct {
	Sum      string          `json:"sha256"`
	Manifest json.RawMessage `json:"manifest"`
}

func (m *Manifest) encode() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return json.Marshal(stored{hex.EncodeToString(sum[:]), text})
}

var errManifest = errors.New("it is damaged: its checksum is wrong")

func decode(content []byte) (*Manifest, error) {
	var s stored
	if err := json.Unmarshal(content, &s); err != nil {
		return nil, errManifest
	}
	if sum := sha256.Sum256(s.Manifest); hex.EncodeToString(sum[:]) != s.Sum {
		return nil, errManifest
	}
	m := new(Manifest)
	if err := json.Unmarshal(s.Manifest, m); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if m.Format > Format {
		return nil, fmt.Errorf("it has format %d and this version of parley knows up to %d: use a newer one", m.Format, Format)
	}
	return m, nil
}
