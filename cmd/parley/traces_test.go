package main

import (
	"bytes"
	"encoding/base64"
	bytesof "encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/pierrec/lz4/v4"
)

// marker is a text and the ways in which it may appear in a file.
type marker [][]byte

func markerOf(text string) marker {
	forms := marker{[]byte(text), []byte(hex.EncodeToString([]byte(text)))}
	for shift := range 3 { // base64 has three bytes in four letters
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), text...))
		whole := (shift + len(text)) / 3 * 4
		forms = append(forms, []byte(encoded[4*((shift+2)/3):whole]))
	}
	return forms
}

func (f marker) in(content []byte) bool {
	for _, form := range f {
		if bytes.Contains(content, form) {
			return true
		}
	}
	return false
}

// files lists the files below folders with a trace: as they are, or in what
// ClickHouse has compressed in them. Undecoded counts blocks of codecs for
// numbers, which are left out.
func (f marker) files(t *testing.T, folders ...string) (found []string, decoded, undecoded int) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil // merged or rotated meanwhile
			}
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				return nil
			}
			if f.in(content) {
				found = append(found, path)
			}
			if strings.HasSuffix(path, ".bin") {
				text, left := decompressed(content)
				decoded, undecoded = decoded+len(text), undecoded+left
				if f.in(text) {
					found = append(found, path+" (decompressed)")
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found, decoded, undecoded
}

// decompressed reads the blocks of a column file: a checksum of 16 bytes, the
// codec, the size with this header of 9 bytes, the size before, the data.
func decompressed(content []byte) (text []byte, left int) {
	reader, err := zstd.NewReader(nil)
	if err != nil {
		panic(err) // without options there is nothing to fail
	}
	defer reader.Close()
	for len(content) >= 25 {
		codec, size, before := content[16], int(bytesof.LittleEndian.Uint32(content[17:])), int(bytesof.LittleEndian.Uint32(content[21:]))
		if size < 9 || 16+size > len(content) {
			return text, left + 1
		}
		data, block := content[25:16+size], make([]byte, before)
		switch codec {
		case 0x02:
			copy(block, data)
		case 0x82:
			_, err = lz4.UncompressBlock(data, block)
		case 0x90:
			block, err = reader.DecodeAll(data, block[:0])
		default:
			left++
			block = nil
		}
		if err != nil {
			left++
		}
		text, content = append(text, block...), content[16+size:]
	}
	return text, left
}

// streams counts the messages with a trace, by stream, in every stream and
// bucket of the server: those of the log's account and of the private one.
func (f marker) streams(t *testing.T, i *instance) map[string]int {
	t.Helper()
	log, found := i.log(t), map[string]int{}
	for user, password := range map[string]string{log.User: log.Password, log.PrivateUser: log.PrivatePassword} {
		conn, err := nats.Connect(log.URL, nats.UserInfo(user, password))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		names := js.StreamNames(t.Context())
		for name := range names.Name() {
			stream, err := js.Stream(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			found[name] = 0
			for at := uint64(1); ; {
				message, err := stream.GetMsg(t.Context(), at, jetstream.WithGetMsgSubject(">"))
				if err != nil {
					break
				}
				if f.in(message.Data) {
					found[name]++
				}
				at = message.Sequence + 1
			}
		}
		if err := names.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 4 {
		t.Fatalf("streams %v", found)
	}
	return found
}

// TestEraseLeavesNoTraceInAnyPlace puts personal data in at every door, erases
// it, and looks through every file, stream, bucket and table; see
// deploy/PERSONAL_DATA.md.
func TestEraseLeavesNoTraceInAnyPlace(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	i := start(t, filepath.Join(t.TempDir(), "data"), "--store-text")
	const project, person = 7405, "Qzx8-Persona-7w"
	visitor := "visitor " + person
	f := markerOf(person)
	// Accepted, refused at the edge, published past it, twice.
	lines := told(project, erasedConversation, visitor, person)
	i.post(t, lines...)
	i.refuse(t, event(project, erasedConversation, "bad", "message.sent", "2025-01-01T00:00:00Z", `{"text":"`+person+`"}`))
	i.plain(t, lines[3], strings.Replace(lines[4], `"messageId":"m2"`, `"messageId":5`, 1))
	i.post(t, told(project, spared, "somebody else", "PUBLIC")...)
	// Fragments of a chat wait in a bucket before they are events.
	hook := i.addHook(t, "chatra", project, "")
	for _, body := range captured(t, "chatra", "1-chatStarted", "2-chatFragment", "3-chatFragment") {
		for _, own := range []string{"Ada Example", "ada@example.org"} {
			body = strings.ReplaceAll(body, own, person)
		}
		i.delivered(t, hook, strings.ReplaceAll(body, `"text": "`, `"text": "`+person+" "))
	}
	if got := i.deliver(t, hook, `{"eventName":"chatRated","client":{"chatId":"x","id":"cXo8Zk4mQ2","displayedName":"`+person+`"}}`); got.status != 202 {
		t.Fatal(got)
	}
	eventually(t, func() error {
		if n := i.number(t, fmt.Sprintf("SELECT count() FROM parley.contacts WHERE project_id = %d", project)); n < 3 {
			return fmt.Errorf("%d contacts", n)
		}
		if n := len(i.quarantined(t)); n != 3 {
			return fmt.Errorf("%d entries in quarantine", n)
		}
		return nil
	})
	i.want(t, 0, "replay") // a version that is kept

	before, decoded, _ := f.files(t, i.dir, temp)
	all := strings.Join(before, "\n")
	for _, kind := range []string{"PARLEY_EVENTS", "PARLEY_REJECTED", ".bin (decompressed)"} {
		if !strings.Contains(all, kind) || decoded == 0 {
			t.Fatalf("nothing is found in %s, so the test tests nothing:\n%s", kind, all)
		}
	}
	t.Logf("before: %d files, streams %v, tables %v", len(before), f.streams(t, i), i.rowsWith(t, person))
	if len(i.rowsWith(t, person)) < 5 {
		t.Fatal(i.rowsWith(t, person))
	}

	visitors := strings.Fields(i.asWriter(t, fmt.Sprintf("SELECT DISTINCT visitor_id FROM parley.visitors WHERE project_id = %d AND visitor_id != 'somebody else' AND NOT startsWith(visitor_id, 'visitor')", project)))
	for _, id := range append(visitors, visitor) {
		t.Log(i.want(t, 0, "erase", "--project", fmt.Sprint(project), "--visitor", id, "--grace", "100ms", "--yes"))
	}

	for stream, n := range f.streams(t, i) {
		if n > 0 {
			t.Errorf("stream %s holds %d messages", stream, n)
		}
	}
	if rows := i.rowsWith(t, person); len(rows) > 0 {
		t.Errorf("tables hold %v", rows)
	}
	after, decoded, undecoded := f.files(t, i.dir, temp)
	if len(after) > 0 || decoded == 0 {
		t.Errorf("files hold it:\n%s", strings.Join(after, "\n"))
	}
	t.Logf("after: %d bytes of columns decompressed, %d blocks of codecs for numbers", decoded, undecoded)
	if f.in([]byte(i.stderr.String())) {
		t.Error("the log of the process holds it")
	}
	if public, _, _ := markerOf("PUBLIC").files(t, i.dir); len(public) == 0 {
		t.Error("the data of somebody else is gone")
	}
}

// plain publishes as a client of NATS does, and waits for the answers.
func (i *instance) plain(t *testing.T, payloads ...string) {
	t.Helper()
	conn, err := nats.Connect(i.where.NATS.URL, nats.UserInfo(i.where.NATS.User, i.where.NATS.Password))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, payload := range payloads {
		if _, err := conn.Request("parley.publish."+someConversation, []byte(payload), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
}
