package eventlog

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// SecretBytes is the length of [Options.Secret].
const SecretBytes = chacha20poly1305.KeySize

// errSealed is the error for a value that the key does not decrypt.
var errSealed = errors.New("the secrets were encrypted with another key, or altered: use the key file of the first start (--secret-key-file, or secret.key in the data dir)")

// A sealed value is
//
//	mark    4 bytes   "\x00PS1"
//	nonce  24 bytes   random
//	rest              XChaCha20-Poly1305 of the value; bucket and key are
//	                  authenticated, so a value is not valid for another key
const sealMark = "\x00PS1"

// sealer encrypts values with a key that is stored elsewhere.
type sealer struct{ aead cipher.AEAD }

func newSealer(secret []byte) (*sealer, error) {
	if len(secret) == 0 {
		return nil, nil
	}
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		return nil, fmt.Errorf("eventlog: the secret must have %d bytes: %w", SecretBytes, err)
	}
	return &sealer{aead}, nil
}

func (s *sealer) seal(bucket, key string, value []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, len(sealMark)+chacha20poly1305.NonceSizeX+len(value)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce) // never fails
	sealed := append([]byte(sealMark), nonce...)
	return s.aead.Seal(sealed, nonce, value, []byte(bucket+"\x00"+key))
}

func (s *sealer) open(bucket, key string, sealed []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(sealed, []byte(sealMark))
	if !ok || len(rest) < chacha20poly1305.NonceSizeX {
		return nil, errSealed
	}
	value, err := s.aead.Open(nil, rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:], []byte(bucket+"\x00"+key))
	if err != nil {
		return nil, errSealed
	}
	return value, nil
}
