package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// encodingNamed finds an encoding by its name in the WHATWG standard; nil is
// UTF-8, which needs no conversion. utf-16 without a byte order mark is
// little-endian.
func encodingNamed(name string) (encoding.Encoding, error) {
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8":
		return nil, nil
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	}
	found, err := htmlindex.Get(name)
	if err != nil || found == encoding.Replacement {
		return nil, fmt.Errorf("unknown encoding %q: use one such as utf-8, utf-16, windows-1252, iso-8859-15, windows-1250, shift_jis", name)
	}
	return found, nil
}

// CheckEncoding reports whether files can be read in an encoding.
func CheckEncoding(name string) error {
	_, err := encodingNamed(name)
	return err
}

// text converts a file to UTF-8. A byte order mark takes precedence over the name.
func (r *Reader) text(in *bufio.Reader, name string) (*bufio.Reader, error) {
	from, err := encodingNamed(name)
	if err != nil {
		return nil, err
	}
	head, _ := in.Peek(4) // the error occurs again when the file is read
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3) // they were peeked before
		return in, nil
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		from, name = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM), "utf-16"
	case from == nil && len(head) == 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return nil, errors.New("this is UTF-16 text without a byte order mark: pass --encoding utf-16le")
	case from == nil && len(head) == 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return nil, errors.New("this is UTF-16 text without a byte order mark: pass --encoding utf-16be")
	}
	if from == nil {
		return in, nil
	}
	r.encoding = name
	return bufio.NewReaderSize(transform.NewReader(in, from.NewDecoder()), bufferSize), nil
}

// checkText finds text that is invalid in the encoding of the file.
func (r *Reader) checkText(text string) error {
	for at, width := 0, 0; at < len(text); at += width {
		var c rune
		c, width = utf8.DecodeRuneInString(text[at:])
		switch {
		case c != utf8.RuneError:
		case r.encoding != "":
			return fmt.Errorf("has bytes that are not %s: check --encoding", r.encoding)
		case width == 1:
			return fmt.Errorf("is not UTF-8: byte 0x%02X; if the file has another encoding, pass it, e.g. --encoding windows-1252", text[at])
		}
	}
	return nil
}

// firstByte returns the first byte that is not white space, without consuming it.
func firstByte(in *bufio.Reader) (byte, error) {
	for n := 1; n < bufferSize; n++ {
		ahead, err := in.Peek(n)
		if len(ahead) < n {
			if errors.Is(err, io.EOF) {
				return 0, nil
			}
			return 0, err
		}
		if c := ahead[n-1]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, nil
		}
	}
	return 0, nil
}
