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

	"github.com/parley-analytics/parley/deploy/atomicfile"
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
	NATS   NATSUsers `json:"natsUsers"`
	Writer User      `json:"clickhouseWriter"`
	Reader User      `json:"clickhouseReader"`
	BI     User      `json:"clickhouseBI"`
}

func newNATSUsers() NATSUsers {
	return NATSUsers{
		Log:       User{"parley", randomPassword()},
		Private:   User{"parley_private", randomPassword()},
		Publisher: User{"parley_publisher", randomPassword()},
		Reader:    User{"parley_reader", randomPassword()},
		Operator:  User{"parley_operator", randomPassword()},
	}
}

// NewCredentials creates credentials with passwords of 256 random bits each.
func NewCredentials() Credentials {
	return Credentials{
		NATS:   newNATSUsers(),
		Writer: User{WriterUser, randomPassword()},
		Reader: User{ReaderUser, randomPassword()},
		BI:     User{BIUser, randomPassword()},
	}
}

// LoadOrCreateCredentials returns the credentials kept in dir/engine-credentials.json (0600), and creates the file on the first
// call, so that they survive restarts. An existing file that cannot be read is an error: it is never replaced.
func LoadOrCreateCredentials(dir string) (Credentials, error) {
	path := filepath.Join(dir, CredentialsFile)
	content, err := os.ReadFile(path)
	if err == nil {
		c, err := parseCredentials(path, content)
		if err != nil || c.NATS != (NATSUsers{}) {
			return c, err
		}
		// A file of the time when NATS had one user. Its password was handed to publishers, so it is not kept.
		c.NATS = newNATSUsers()
		return c, write(dir, path, c)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, fmt.Errorf("engine credentials: %w", err)
	}
	created := NewCredentials()
	return created, write(dir, path, created)
}

// LoadCredentials returns the credentials of the serve that runs on dir. It creates none: the server would not know them.
func LoadCredentials(dir string) (Credentials, error) {
	path := filepath.Join(dir, CredentialsFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return Credentials{}, fmt.Errorf("engine credentials: %w", err)
	}
	c, err := parseCredentials(path, content)
	if err == nil && c.NATS == (NATSUsers{}) {
		err = fmt.Errorf("engine credentials: %s was written by an older version: restart serve with this one", path)
	}
	return c, err
}

func write(dir, path string, c Credentials) error {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("engine credentials: %w", err)
	}
	if err := atomicfile.Write(path, append(content, '\n')); err != nil {
		return fmt.Errorf("engine credentials: %w", err)
	}
	return nil
}

func parseCredentials(path string, content []byte) (Credentials, error) {
	var c Credentials
	if err := json.Unmarshal(content, &c); err != nil {
		return Credentials{}, fmt.Errorf("engine credentials: %s is not readable (%w): restore it, or delete it to get new ones", path, err)
	}
	users := []User{c.Writer, c.Reader, c.BI}
	if c.NATS != (NATSUsers{}) {
		users = append(users, c.NATS.Log, c.NATS.Private, c.NATS.Publisher, c.NATS.Reader, c.NATS.Operator)
	}
	for _, user := range users {
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
