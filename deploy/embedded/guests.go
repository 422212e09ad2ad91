package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/parley-analytics/parley/deploy/atomicfile"
)

// GuestsFile is the file of the data dir with the BI users of some projects (0600).
const GuestsFile = "bi-users.json"

// maxGuests is how many BI users there may be: each makes the row policies longer, which ClickHouse evaluates for every view.
const maxGuests = 64

// maxGuestProjects is how many projects one of them may see.
const maxGuestProjects = 1000

// Guest is a BI user who sees the rows of some projects only.
type Guest struct {
	Name     string   `json:"user"`
	Projects []uint32 `json:"projects"`       // ascending
	Hash     string   `json:"passwordSHA256"` // of a generated password of 256 bits, in hexadecimal
}

// guestName matches names that stand for themselves in XML, in SQL and in the file of users of ClickHouse.
var guestName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// ErrNoGuest is returned for a BI user who does not exist.
var ErrNoGuest = errors.New("there is no such BI user: list them with `parley bi-user list`")

// Guests returns the BI users of a data dir, by name.
func Guests(dir string) ([]Guest, error) { return readGuests(filepath.Join(dir, GuestsFile)) }

func readGuests(path string) ([]Guest, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var guests []Guest
	if err := json.Unmarshal(content, &guests); err != nil {
		return nil, fmt.Errorf("%s is not readable (%w): restore it, or delete it and add the BI users again", path, err)
	}
	for _, g := range guests {
		hash, err := hex.DecodeString(g.Hash)
		if g.check() != nil || err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("%s has a BI user with an unusable name, projects or password: restore it, or delete it and add the BI users again", path)
		}
	}
	return guests, nil
}

// check reports what is wrong with a name or the projects.
func (g *Guest) check() error {
	name := strings.ToLower(g.Name)
	switch {
	case !guestName.MatchString(g.Name):
		return errors.New("name: must be 1 to 64 letters, digits, - and _, the first one a letter")
	case name == "default" || strings.HasPrefix(name, "parley"):
		return errors.New("name: default and names that begin with parley are Parley's own; choose another")
	case len(g.Projects) == 0 || len(g.Projects) > maxGuestProjects:
		return fmt.Errorf("projects: must be 1 to %d projects", maxGuestProjects)
	}
	return nil
}

// AddGuest adds a BI user to a data dir and returns the password, which is not kept. A ClickHouse that runs on the data dir
// accepts the user within seconds.
func AddGuest(dir, name string, projects []uint32) (password string, err error) {
	password = randomPassword()
	hash := sha256.Sum256([]byte(password))
	g := Guest{Name: name, Projects: projects, Hash: hex.EncodeToString(hash[:])}
	if err := g.check(); err != nil {
		return "", err
	}
	return password, changeGuests(dir, func(guests []Guest) ([]Guest, error) {
		// ClickHouse's own names tell letters apart by case; people do not.
		if slices.ContainsFunc(guests, func(other Guest) bool { return strings.EqualFold(other.Name, name) }) {
			return nil, fmt.Errorf("name: BI user %s exists; remove it first", name)
		}
		if len(guests) >= maxGuests {
			return nil, fmt.Errorf("there are %d BI users, and no more are possible: remove one first", len(guests))
		}
		guests = append(guests, g)
		slices.SortFunc(guests, func(a, b Guest) int { return strings.Compare(a.Name, b.Name) })
		return guests, nil
	})
}

// RemoveGuest removes a BI user from a data dir, or returns [ErrNoGuest].
func RemoveGuest(dir, name string) error {
	return changeGuests(dir, func(guests []Guest) ([]Guest, error) {
		i := slices.IndexFunc(guests, func(g Guest) bool { return g.Name == name })
		if i < 0 {
			return nil, ErrNoGuest
		}
		return slices.Delete(guests, i, i+1), nil
	})
}

// changeGuests replaces the file, one process at a time.
func changeGuests(dir string, change func([]Guest) ([]Guest, error)) error {
	path := filepath.Join(dir, GuestsFile)
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("BI users: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("BI users: %w", err)
	}
	guests, err := readGuests(path)
	if err != nil {
		return err
	}
	if guests, err = change(guests); err != nil {
		return err
	}
	content, err := json.MarshalIndent(guests, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(content, '\n'))
}

// rowFilter is the condition of the row policy of a view's tables. The views read with the rights of their definer, whose policies
// apply; currentUser() is who asks.
func rowFilter(guests []Guest) string {
	var text strings.Builder
	fmt.Fprintf(&text, "currentUser() IN ('%s', '%s', '%s')", WriterUser, ReaderUser, BIUser)
	for _, g := range guests {
		fmt.Fprintf(&text, " OR currentUser() = '%s' AND project_id IN (", g.Name)
		for i, p := range g.Projects {
			if i > 0 {
				text.WriteString(", ")
			}
			fmt.Fprint(&text, p)
		}
		text.WriteString(")")
	}
	return text.String()
}
