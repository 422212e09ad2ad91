package query

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/schema"
)

// Place is the place of a row in the order of its list.
type Place struct {
	At      schema.Timestamp // closing time, start, or position in the thread
	Project schema.ProjectID
	ID      string
}

// cursor is a place, with the position in the log at which the first page was
// read.
type cursor struct {
	Place
	position schema.Sequence
}

// binding is the list for which a cursor is valid. Two fields with equal bindings list the same
// rows in the same order for the same rights.
type binding struct {
	Field    string
	Filter   *Filter `json:",omitempty"`
	Interval Interval
	Backward bool            // latest first
	Rights   schema.Projects // of the caller
	Of       string          // the row a nested list belongs to
}

// sealer signs cursors. A cursor is its content followed by a MAC over content and binding: a
// cursor that was altered, or made for another list, is invalid.
type sealer struct {
	key     []byte
	binding [sha256.Size]byte
}

const macBytes = 16

// seal prepares to write and read the cursors of one list.
func (a *API) seal(b binding) *sealer { return seal(a.key, b) }

func seal(key []byte, b binding) *sealer {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // plain data
	}
	return &sealer{key: key, binding: sha256.Sum256(text)}
}

func (s *sealer) mac(content []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(s.binding[:])
	h.Write(content)
	return h.Sum(nil)[:macBytes]
}

// write returns the cursor as clients see it.
func (s *sealer) write(c cursor) string {
	content := make([]byte, 0, 32+len(c.ID)+macBytes)
	content = binary.AppendVarint(content, int64(c.At))
	content = binary.AppendUvarint(content, uint64(c.Project))
	content = binary.AppendUvarint(content, uint64(c.position))
	content = append(content, c.ID...)
	return base64.RawURLEncoding.EncodeToString(append(content, s.mac(content)...))
}

// read opens a cursor of the same list.
func (s *sealer) read(field, text string) (cursor, error) {
	wrong := badInput(field, "must be a cursor of the same field, filters, interval, order and rights")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < macBytes {
		return cursor{}, wrong
	}
	content, mac := raw[:len(raw)-macBytes], raw[len(raw)-macBytes:]
	if !hmac.Equal(mac, s.mac(content)) {
		return cursor{}, wrong
	}
	var c cursor
	at, n := binary.Varint(content)
	content = content[n:]
	project, n := binary.Uvarint(content)
	content = content[n:]
	position, n := binary.Uvarint(content)
	c.At, c.Project, c.position = schema.Timestamp(at), schema.ProjectID(project), schema.Sequence(position)
	c.ID = string(content[n:])
	return c, nil
}

// positionPrefix distinguishes a position from other tokens, and holds its
// version.
const positionPrefix = "p1."

// writePosition returns a position in the log as clients see it. It is not signed: any position is
// a valid start, and stays valid when the key changes.
func writePosition(s schema.Sequence) string {
	return base64.RawURLEncoding.EncodeToString([]byte(positionPrefix + strconv.FormatUint(uint64(s), 36)))
}

func parsePosition(field, text string) (schema.Sequence, error) {
	wrong := badInput(field, "must be a position from an earlier response")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return 0, wrong
	}
	digits, ok := strings.CutPrefix(string(raw), positionPrefix)
	if !ok {
		return 0, wrong
	}
	n, err := strconv.ParseUint(digits, 36, 64)
	if err != nil {
		return 0, wrong
	}
	return schema.Sequence(n), nil
}
