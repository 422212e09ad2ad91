package auth

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// Kind distinguishes keys from users.
type Kind string

// The kinds of credentials.
const (
	KindKey  Kind = "key"
	KindUser Kind = "user"
)

// Credential is a key or a user without its secret.
type Credential struct {
	ID        string // safe to log
	Kind      Kind
	Name      string // of a key
	Email     string // of a user, in lower case
	Scopes    []schema.Scope
	Projects  schema.Projects
	Disabled  bool
	CreatedAt time.Time

	Role   schema.Role // of a key for chats
	Seller string      // its seller, of RoleSeller
}

// record is a credential as it is stored.
type record struct {
	ID         string         `json:"id"`
	Kind       Kind           `json:"kind"`
	Name       string         `json:"name,omitempty"`
	Email      string         `json:"email,omitempty"`
	Scopes     []schema.Scope `json:"scopes"`
	Projects   string         `json:"projects"`
	Role       schema.Role    `json:"role,omitempty"`
	Seller     string         `json:"seller,omitempty"`
	Disabled   bool           `json:"disabled,omitempty"`
	CreatedAt  time.Time      `json:"createdAt"`
	Generation string         `json:"generation"`
	Hash       string         `json:"hash"`            // argon2id, PHC format
	Check      string         `json:"check,omitempty"` // of a key: 32 bits of its secret's SHA-256
}

func (r *record) credential() (Credential, error) {
	projects, err := ParseProjects(r.Projects)
	if err != nil {
		return Credential{}, fmt.Errorf("auth: the record of %s: %w", r.ID, err)
	}
	return Credential{
		ID: r.ID, Kind: r.Kind, Name: r.Name, Email: r.Email, Scopes: r.Scopes,
		Projects: projects, Disabled: r.Disabled, CreatedAt: r.CreatedAt,
		Role: r.Role, Seller: r.Seller,
	}, nil
}

// ParseScopes reads "read,ingest,admin". The result is sorted and has no
// repetitions.
func ParseScopes(text string) ([]schema.Scope, error) {
	var scopes []schema.Scope
	for _, name := range strings.Split(text, ",") {
		scope := schema.Scope(strings.TrimSpace(name))
		if !known(scope) {
			return nil, errors.New("scopes: must be a list of " + quoted([]string{"ingest", "read", "admin"}))
		}
		scopes = append(scopes, scope)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

func known(s schema.Scope) bool {
	return s == schema.ScopeIngest || s == schema.ScopeRead || s == schema.ScopeAdmin
}

// ParseProjects reads "1,2" or "all".
func ParseProjects(text string) (schema.Projects, error) {
	if strings.TrimSpace(text) == "all" {
		return schema.Projects{All: true}, nil
	}
	var ids []schema.ProjectID
	for _, digits := range strings.Split(text, ",") {
		id, err := schema.ParseProjectID(strings.TrimSpace(digits))
		if err != nil {
			return schema.Projects{}, errors.New(`projects: must be "all" or a list of integers from 1 to 2147483647`)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return schema.Projects{IDs: slices.Compact(ids)}, nil
}

// FormatProjects writes what ParseProjects reads.
func FormatProjects(p schema.Projects) string {
	if p.All {
		return "all"
	}
	digits := make([]string, len(p.IDs))
	for i, id := range p.IDs {
		digits[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(digits, ",")
}

// MaxProjects is how many projects one credential can name. The list goes into
// every statement that answers for it; tokens do not carry it.
const MaxProjects = 10_000

const (
	minPassword = 8
	maxPassword = 1024
	maxSecret   = 1024 // longer ones are not hashed
	maxName     = 200
)

func checkPassword(password string) error {
	switch {
	case len([]rune(password)) < minPassword:
		return fmt.Errorf("password: must have at least %d characters", minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("password: must have at most %d bytes", maxPassword)
	}
	return nil
}

// foldEmail normalises an address: lower case, without surrounding spaces.
func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func checkEmail(email string) error {
	local, domain, found := strings.Cut(email, "@")
	if !found || local == "" || domain == "" || len(email) > 254 || strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return errors.New("email: must be an address such as name@example.org")
	}
	return nil
}

// checkRights checks a new credential, which must have some rights.
func checkRights(scopes []schema.Scope, projects schema.Projects) error {
	if len(scopes) == 0 {
		return errors.New("scopes: at least one is required")
	}
	if !projects.All && len(projects.IDs) == 0 {
		return errors.New(`projects: must be "all" or at least one id`)
	}
	return errors.Join(checkScopes(scopes), checkProjects(projects))
}

func checkScopes(scopes []schema.Scope) error {
	for _, s := range scopes {
		if !known(s) {
			return errors.New("scopes: must be one or more of " + quoted([]string{"ingest", "read", "admin"}))
		}
	}
	return nil
}

func checkProjects(projects schema.Projects) error {
	if len(projects.IDs) > MaxProjects {
		return fmt.Errorf("projects: must be %q or at most %d ids, not %d", "all", MaxProjects, len(projects.IDs))
	}
	return nil
}
