package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// ErrExists means that the user already exists.
var ErrExists = errors.New("a user with this e-mail address exists already")

// Directory holds the credentials. Several directories, in several processes,
// may work on one store.
type Directory struct {
	store   Store
	now     func() time.Time
	signing *signing
	hasher  *hasher
	right   *remembered
}

// NewDirectory opens the credentials in the store. In an empty store it writes
// the signing key.
func NewDirectory(ctx context.Context, store Store, now func() time.Time) (*Directory, error) {
	return newDirectory(ctx, store, now, recommended)
}

func newDirectory(ctx context.Context, store Store, now func() time.Time, c cost) (*Directory, error) {
	s, err := loadSigning(ctx, store)
	if err != nil {
		return nil, err
	}
	return &Directory{store: store, now: now, signing: s, hasher: newHasher(c), right: newRemembered(4096)}, nil
}

// Key is a new key. Its secret is not stored.
type Key struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	APIKey string `json:"apiKey,omitempty"` // of a key with a role: id and secret in one string
}

// AddKey adds a key with a secret of 256 random bits.
func (d *Directory) AddKey(ctx context.Context, name string, scopes []schema.Scope, projects schema.Projects) (Key, error) {
	if err := checkRights(scopes, projects); err != nil {
		return Key{}, err
	}
	return d.addKey(ctx, &record{Name: name, Scopes: scopes, Projects: FormatProjects(projects)})
}

// AddFirstKey makes the key of a data dir: for all projects, with every scope but
// that of chats. Unless the data dir is new, it is made only if there is no key at all, so that a
// removed key is not made again; made reports whether it was.
func (d *Directory) AddFirstKey(ctx context.Context, name string, isNew bool) (key Key, made bool, err error) {
	if !isNew {
		keys, err := d.List(ctx, KindKey)
		if err != nil || len(keys) > 0 {
			return Key{}, false, err
		}
	}
	key, err = d.AddKey(ctx, name, []schema.Scope{schema.ScopeIngest, schema.ScopeRead, schema.ScopeAdmin}, schema.Projects{All: true})
	return key, err == nil, err
}

// AddChatKey adds a key for seller chats only: of an operator, or of the named seller.
func (d *Directory) AddChatKey(ctx context.Context, name string, role schema.Role, seller string, projects schema.Projects) (Key, error) {
	switch {
	case role != schema.RoleOperator && role != schema.RoleSeller:
		return Key{}, fmt.Errorf("role: must be %s or %s", schema.RoleOperator, schema.RoleSeller)
	case (role == schema.RoleSeller) != (seller != ""):
		return Key{}, fmt.Errorf("seller: must be given with the role %s, and with no other", schema.RoleSeller)
	case len(seller) > schema.MaxIDBytes:
		return Key{}, fmt.Errorf("seller: must have at most %d bytes", schema.MaxIDBytes)
	}
	if err := checkProjects(projects); err != nil {
		return Key{}, err
	}
	r := record{Name: name, Scopes: []schema.Scope{schema.ScopeChat}, Projects: FormatProjects(projects), Role: role, Seller: seller}
	key, err := d.addKey(ctx, &r)
	return key.single(&r), err
}

func (d *Directory) addKey(ctx context.Context, r *record) (Key, error) {
	if r.Name == "" || len(r.Name) > maxName {
		return Key{}, fmt.Errorf("name: must have 1 to %d bytes", maxName)
	}
	key := Key{ID: "key_" + randomName(12), Secret: newSecret()}
	hash, err := d.hasher.hash(ctx, key.Secret)
	if err != nil {
		return Key{}, err
	}
	r.ID, r.Kind, r.Hash, r.Check = key.ID, KindKey, hash, checkOf(key.Secret)
	if err := d.create(ctx, r); err != nil {
		return Key{}, err
	}
	return key, nil
}

// AddUser adds a user and returns the id; ErrExists if the address is taken.
func (d *Directory) AddUser(ctx context.Context, email, password string, scopes []schema.Scope, projects schema.Projects) (string, error) {
	email = foldEmail(email)
	if err := errors.Join(checkEmail(email), checkPassword(password), checkRights(scopes, projects)); err != nil {
		return "", err
	}
	hash, err := d.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	id := d.signing.userID(email)
	err = d.create(ctx, &record{
		ID: id, Kind: KindUser, Email: email, Scopes: scopes, Projects: FormatProjects(projects), Hash: hash,
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (d *Directory) create(ctx context.Context, r *record) error {
	r.CreatedAt, r.Generation = d.now().UTC(), randomName(9)
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	err = d.store.Update(ctx, credentialKey(r.ID), func(before []byte) ([]byte, error) {
		if before != nil {
			return nil, ErrExists
		}
		return value, nil
	})
	if err != nil && !errors.Is(err, ErrExists) {
		return fmt.Errorf("auth: write a credential: %w", err)
	}
	return err
}

// Find returns the credential of an id or of a user's e-mail address. ErrNotFound when there is none.
func (d *Directory) Find(ctx context.Context, idOrEmail string) (Credential, error) {
	id := idOrEmail
	if strings.Contains(id, "@") {
		id = d.signing.userID(id)
	}
	r, err := d.read(ctx, id)
	if err != nil {
		return Credential{}, err
	}
	return r.credential()
}

// List returns all credentials of a kind, oldest first.
func (d *Directory) List(ctx context.Context, kind Kind) ([]Credential, error) {
	found, err := d.store.List(ctx, credentialKey(""))
	if err != nil {
		return nil, fmt.Errorf("auth: list credentials: %w", err)
	}
	var all []Credential
	for _, value := range found {
		r, err := decodeRecord(value)
		if err != nil {
			return nil, err
		}
		c, err := r.credential()
		if err != nil {
			return nil, err
		}
		if c.Kind == kind {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Credential) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all, nil
}

// SetRights replaces scopes and projects; empty scopes or projects are left unchanged. It takes
// effect immediately, for tokens too.
func (d *Directory) SetRights(ctx context.Context, id string, scopes []schema.Scope, projects schema.Projects) error {
	if err := errors.Join(checkScopes(scopes), checkProjects(projects)); err != nil {
		return err
	}
	return d.change(ctx, id, func(r *record) error {
		if len(scopes) > 0 && r.Role != "" {
			return errors.New("scopes: a key with a role has the scope of its role; add another key")
		}
		if len(scopes) > 0 {
			r.Scopes = scopes
		}
		if projects.All || len(projects.IDs) > 0 {
			r.Projects = FormatProjects(projects)
		}
		return nil
	})
}

// SetDisabled disables or enables a credential. Disabling permanently revokes its tokens and
// logins: enabling does not restore them.
func (d *Directory) SetDisabled(ctx context.Context, id string, disabled bool) error {
	return d.change(ctx, id, func(r *record) error {
		r.Disabled = disabled
		if disabled {
			r.Generation = randomName(9)
		}
		return nil
	})
}

// Rotate replaces a key's secret and returns the new one. The old secret and its tokens become invalid immediately.
func (d *Directory) Rotate(ctx context.Context, id string) (Key, error) {
	key := Key{ID: id, Secret: newSecret()}
	hash, err := d.hasher.hash(ctx, key.Secret)
	if err != nil {
		return Key{}, err
	}
	var changed *record
	err = d.change(ctx, id, func(r *record) error {
		r.Hash, r.Check, r.Generation = hash, checkOf(key.Secret), randomName(9)
		changed = r
		return nil
	})
	if err != nil {
		return Key{}, err
	}
	return key.single(changed), nil
}

func newSecret() string { return "pks_" + randomName(32) }

// SetPassword replaces a user's password and revokes all logins.
func (d *Directory) SetPassword(ctx context.Context, id, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash, err := d.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return d.change(ctx, id, func(r *record) error {
		r.Hash, r.Generation = hash, randomName(9)
		return nil
	})
}

// Remove deletes a credential; its tokens become invalid immediately. ErrNotFound when there
// is none.
func (d *Directory) Remove(ctx context.Context, id string) error {
	if _, err := d.read(ctx, id); err != nil {
		return err
	}
	if err := d.store.Delete(ctx, credentialKey(id)); err != nil {
		return fmt.Errorf("auth: remove a credential: %w", err)
	}
	return nil
}

// change edits a credential; ErrNotFound if there is none. Concurrent changes of several processes are all applied.
func (d *Directory) change(ctx context.Context, id string, edit func(*record) error) error {
	if !isName(id) {
		return ErrNotFound // it cannot be a key of the store
	}
	return d.store.Update(ctx, credentialKey(id), func(before []byte) ([]byte, error) {
		if before == nil {
			return nil, ErrNotFound
		}
		r, err := decodeRecord(before)
		if err == nil {
			err = edit(r)
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(r)
	})
}

func (d *Directory) read(ctx context.Context, id string) (*record, error) {
	if !isName(id) {
		return nil, ErrNotFound
	}
	value, err := d.store.Get(ctx, credentialKey(id))
	if err != nil {
		return nil, fmt.Errorf("auth: read a credential: %w", err)
	}
	return decodeRecord(value)
}

func decodeRecord(value []byte) (*record, error) {
	r := new(record)
	if err := json.Unmarshal(value, r); err != nil {
		return nil, fmt.Errorf("auth: read a credential: %w", err)
	}
	return r, nil
}

// verifyKey checks a key's id and secret. An unknown id, a wrong secret and a disabled key have the
// same answer, and none of them costs an argon2id hash.
func (d *Directory) verifyKey(ctx context.Context, id, secret string) (*record, error) {
	r, err := d.read(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, errKey()
	}
	if err != nil {
		return nil, err
	}
	if r.Kind != KindKey || r.Disabled || len(secret) > maxSecret ||
		subtle.ConstantTimeCompare([]byte(checkOf(secret)), []byte(r.Check)) != 1 {
		return nil, errKey()
	}
	ok, err := d.right.check(ctx, secret, r.Hash, d.hasher.verify)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errKey()
	}
	return r, nil
}

// verifyUser checks an e-mail address and a password. An unknown user, a wrong password and a
// disabled user have the same answer and take the same time.
func (d *Directory) verifyUser(ctx context.Context, email, password string) (*record, error) {
	r, err := d.read(ctx, d.signing.userID(email))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	hash := d.hasher.dummy
	if err == nil {
		hash = r.Hash
	}
	if len(password) > maxPassword {
		password = ""
	}
	ok, verifyErr := d.hasher.verify(ctx, password, hash)
	if verifyErr != nil {
		return nil, verifyErr
	}
	if !ok || err != nil || r.Kind != KindUser || r.Disabled {
		return nil, errGrant("the user name or the password is wrong")
	}
	return r, nil
}

// checkOf returns 32 bits of a secret's SHA-256.
func checkOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:4])
}

func credentialKey(id string) string { return "credential." + id }

// isName reports whether a string from outside can be part of a store's key.
func isName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
