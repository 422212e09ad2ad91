package embedded

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CredentialsFile is the file LoadOrCreateCredentials keeps in the data dir.
const CredentialsFile = "engine-credentials.json"

// User is a name and a password of one of the engines.
type User struct {
	Name     string `json:"user"`
	Password string `json:"password"`
}

// Credentials are the generated users of the embedded engines.
type Credentials struct {
	NATS   User `json:"nats"`
	Writer User `json:"clickhouseWriter"`
	Reader User `json:"clickhouseReader"`
	BI     User `json:"clickhouseBI"`
}

// NewCredentials makes credentials with passwords of 256 random bits each.
func NewCredentials() Credentials {
	return Credentials{
		NATS:   User{"parley", randomPassword()},
		Writer: User{WriterUser, randomPassword()},
		Reader: User{ReaderUser, randomPassword()},
		BI:     User{BIUser, randomPassword()},
	}
}

// LoadOrCreateCredentials returns the credentials kept in dir/engine-credentials.json (0600), and makes the file on the first
// call, so that they outlive restarts. A file that is there but cannot be read is an error: it is never replaced.
func LoadOrCreateCredentials(dir string) (Credentials, error) {
	path := filepath.Join(dir, CredentialsFile)
	content, err := os.ReadFile(path)
	if err == nil {
		return parseCredentials(path, content)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, fmt.Errorf("engine credentials: %w", err)
	}

	created := NewCredentials()
	if content, err = json.MarshalIndent(created, "", "  "); err != nil {
		return Credentials{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Credentials{}, fmt.Errorf("engine credentials: %w", err)
	}
	if err := writeFile(path, append(content, '\n')); err != nil {
		return Credentials{}, fmt.Errorf("engine credentials: %w", err)
	}
	return created, nil
}

func parseCredentials(path string, content []byte) (Credentials, error) {
	var c Credentials
	if err := json.Unmarshal(content, &c); err != nil {
		return Credentials{}, fmt.Errorf("engine credentials: %s is not readable (%w): restore it, or delete it to get new ones", path, err)
	}
	for _, user := range []User{c.NATS, c.Writer, c.Reader, c.BI} {
		if user.Name == "" || user.Password == "" {
			return Credentials{}, fmt.Errorf("engine credentials: %s lacks a user or password: restore it, or delete it to get new ones", path)
		}
	}
	return c, nil
}

func randomPassword() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// writeFile replaces a file as a whole, 0600, and forces it to disk: a crash leaves the old one or the new one.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
