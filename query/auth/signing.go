package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// signing holds the keys for tokens and user ids: written once per store, by the first role.
type signing struct {
	KeyID  string `json:"kid"`
	Seed   []byte `json:"seed"`   // of the Ed25519 key
	Pepper []byte `json:"pepper"` // for ids derived from e-mail addresses
}

const signingKey = "signing"

func loadSigning(ctx context.Context, store Store) (*signing, error) {
	var s *signing
	err := store.Update(ctx, signingKey, func(before []byte) ([]byte, error) {
		s = new(signing)
		if before != nil {
			return nil, json.Unmarshal(before, s)
		}
		*s = signing{KeyID: randomName(9), Seed: random(ed25519.SeedSize), Pepper: random(32)}
		return json.Marshal(s)
	})
	if err != nil {
		return nil, fmt.Errorf("auth: read or write the signing key: %w", err)
	}
	if s.KeyID == "" || len(s.Seed) != ed25519.SeedSize || len(s.Pepper) < 32 {
		return nil, errors.New("auth: the record of the signing key is damaged")
	}
	return s, nil
}

// CursorKey returns the key with which all query roles sign cursors. The first role creates it.
func CursorKey(ctx context.Context, store Store) ([]byte, error) {
	var key []byte
	err := store.Update(ctx, "cursor-key", func(before []byte) ([]byte, error) {
		if key = before; key == nil {
			key = random(32)
		}
		return key, nil
	})
	return key, err
}

func (s *signing) private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.Seed) }

// derive makes an id for a name without revealing it.
func (s *signing) derive(prefix, name string) string {
	mac := hmac.New(sha256.New, s.Pepper)
	mac.Write([]byte(prefix + "\x00" + name))
	return prefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:15])
}

// proofLength is the number of characters in a proof.
const proofLength = 22

// proof authenticates a refresh token.
func (s *signing) proof(token string) string {
	mac := hmac.New(sha256.New, s.Pepper)
	mac.Write([]byte("refresh token\x00" + token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

func (s *signing) userID(email string) string { return s.derive("user_", foldEmail(email)) }
