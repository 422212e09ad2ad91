package embedded

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/parley-analytics/parley/deploy/atomicfile"
	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// Names of the ClickHouse users.
const (
	WriterUser = "parley_writer"
	ReaderUser = "parley_reader"
	BIUser     = "parley_bi"
)

// comingProjections is how many projections can be made before the next start. Rights are read at
// the start only, so the definers of the views get them for projections that do not exist yet.
const comingProjections = 256

var (
	//go:embed config.xml.tmpl
	configText string
	//go:embed users.xml.tmpl
	usersText string
)

// noFileFunction replaces the function file, which in this mode of ClickHouse returns to any user
// the content of any file that the process can read, whatever the grants are. A function found in
// this folder at the start hides the built-in one of the same name.
const noFileFunction = "CREATE FUNCTION file AS (path) -> throwIf(1, 'the function file is not available here')\n"

var templateFuncs = template.FuncMap{
	"xml": func(s string) string {
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(s)) // writing to memory does not fail
		return b.String()
	},
	"sha256": func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	},
}

// settings are the values of the templates of the two configuration files. Sizes are in bytes.
type settings struct {
	Dir, UsersFile                             string
	Native                                     bool
	WriterPassword, ReaderPassword, BIPassword string
	KeyPattern, BasicPattern                   string
	BIViews                                    []string
	Guests                                     []User // with passwords of the child only
	GuestViews                                 []string
	Definers                                   []definer
	ReaderLimits, BILimits, GuestLimits        []limit
	Merges                                     int
	MaxMemory, MergeMemory, MaxTemporary       int64
	MarkCache, SmallCache                      int64
	KeepFree                                   int64
}

// files are the paths of the files that writeConfig has written.
type files struct{ data, config, start string }

// writeConfig creates the folders (0700) and the configuration files (0600) below config.Dir, for these BI users of some projects.
func writeConfig(config ClickHouseConfig, guests []Guest, accounts []account) (files, error) {
	dir := config.Dir
	f := files{
		data:   filepath.Join(dir, "data"),
		config: filepath.Join(dir, "config.xml"),
		start:  filepath.Join(dir, "start.sql"),
	}
	functions := filepath.Join(f.data, "user_defined")
	for _, folder := range []string{dir, f.data, functions, filepath.Join(dir, "tmp"), filepath.Join(dir, "user_files"),
		filepath.Join(dir, "format_schemas"), filepath.Join(dir, "user_scripts"), filepath.Join(dir, "backups")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return files{}, err
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return files{}, err
	}

	free, err := KeptFree(dir, config.KeepFree)
	if err != nil {
		return files{}, err
	}
	memory := config.MaxMemory
	s := settings{
		Dir: dir, UsersFile: filepath.Join(dir, "users.xml"), Native: config.Native,
		WriterPassword: config.WriterPassword, ReaderPassword: config.ReaderPassword, BIPassword: config.BIPassword,
		KeyPattern: pattern(accounts, func(a account) string { return knownPart(a.key) }),
		BasicPattern: pattern(accounts, func(a account) string {
			start := a.name + ":" + knownPart(a.key)
			return base64.StdEncoding.EncodeToString([]byte(start[:len(start)/3*3])) // whole groups: what follows changes none
		}),
		BIViews:      viewsOf(tables.OpenDefiner),
		Merges:       min(max(runtime.NumCPU()/2, 2), 8),
		ReaderLimits: readerLimits(memory),
		BILimits:     biLimits(memory, biAllowed(memory)),
		GuestLimits:  guestLimits(memory),
		MaxMemory:    memory,
		MergeMemory:  memory / 2,
		MaxTemporary: maxTemporary,
		MarkCache:    min(memory/16, 256<<20),
		SmallCache:   min(memory/64, 64<<20),
		KeepFree:     free,
	}
	if config.BIPersonalData {
		s.BIViews = append(s.BIViews, viewsOf(tables.PersonalDefiner)...)
	}
	for _, a := range accounts {
		if a.guest {
			s.Guests = append(s.Guests, User{a.name, a.key})
		}
	}
	s.GuestViews = guestViews(s.BIViews)
	versions, err := projections(f.data)
	if err != nil {
		return files{}, err
	}
	for _, name := range []string{tables.OpenDefiner, tables.PersonalDefiner} {
		s.Definers = append(s.Definers, newDefiner(name, versions, guests))
	}
	for path, text := range map[string]string{
		f.config:    configText,
		s.UsersFile: usersText,
		f.start:     "SYSTEM START LISTEN HTTP;\n{{if .Native}}SYSTEM START LISTEN TCP;\n{{end}}",
		filepath.Join(functions, "function_file.sql"): noFileFunction,
	} {
		t, err := template.New(filepath.Base(path)).Funcs(templateFuncs).Parse(text)
		if err != nil {
			return files{}, fmt.Errorf("template of %s: %w", path, err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, s); err != nil {
			return files{}, fmt.Errorf("template of %s: %w", path, err)
		}
		if err := atomicfile.Write(path, b.Bytes()); err != nil {
			return files{}, err
		}
	}
	return f, nil
}

// definer is a user whose rights views have. Nobody knows its password.
type definer struct {
	Name, Password string
	Grants         []grant
	Filter         string              // which rows of the tables of Policies it reads
	Policies       map[string][]string // tables by database
}

// grant is a table of a projection and the columns of it that may be read.
type grant struct{ Columns, Database, Table string }

func newDefiner(name string, versions []uint32, guests []Guest) definer {
	d := definer{Name: name, Password: randomPassword(), Policies: map[string][]string{}}
	if len(guests) > 0 {
		d.Filter = rowFilter(guests)
	}
	for i, version := range versions {
		columns := map[[2]string][]string{} // by database and table
		for _, view := range tables.Views() {
			if view.Definer != name {
				continue
			}
			for _, r := range view.Reads {
				if at := [2]string{r.In(version), r.Table}; i == 0 || r.In(version) != r.Database { // what is not of a projection, once
					columns[at] = append(columns[at], r.Columns...)
				}
			}
		}
		for _, at := range slices.SortedFunc(maps.Keys(columns), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			slices.Sort(columns[at])
			d.Grants = append(d.Grants, grant{strings.Join(slices.Compact(columns[at]), ", "), at[0], at[1]})
			if slices.Contains(columns[at], projectColumn) {
				d.Policies[at[0]] = append(d.Policies[at[0]], at[1])
			}
		}
	}
	return d
}

func viewsOf(definer string) []string {
	var names []string
	for _, view := range tables.Views() {
		if view.Definer == definer {
			names = append(names, view.View)
		}
	}
	return names
}

// projections returns the versions that exist in the data directory, and the next ones.
func projections(data string) ([]uint32, error) {
	paths, err := filepath.Glob(filepath.Join(data, "metadata", "parley_*.sql"))
	if err != nil {
		return nil, err
	}
	var versions []uint32
	last := uint32(0)
	for _, path := range paths {
		digits := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "parley_"), ".sql")
		if version, err := strconv.ParseUint(digits, 10, 32); err == nil { // other databases are not projections
			versions = append(versions, uint32(version))
			last = max(last, uint32(version))
		}
	}
	for i := range uint32(comingProjections) {
		versions = append(versions, last+1+i)
	}
	return versions, nil
}

// projectColumn is the column of a table that says whose project a row is.
const projectColumn = "project_id"

// guestViews are those views whose rows are of a project each.
func guestViews(views []string) []string {
	of := map[string]bool{}
	for _, view := range tables.Views() {
		of[view.View] = slices.Contains(view.Reads[0].Columns, projectColumn)
	}
	return slices.DeleteFunc(slices.Clone(views), func(view string) bool { return !of[view] })
}

// accounts are the users that requests may come from.
func (c ClickHouseConfig) accounts(guests []Guest) []account {
	list := []account{
		accountOf(User{WriterUser, c.WriterPassword}), accountOf(User{ReaderUser, c.ReaderPassword}), accountOf(User{BIUser, c.BIPassword}),
	}
	for _, g := range guests {
		a := account{name: g.Name, key: randomPassword(), guest: true, turn: newQueue(guestRunning, guestWaiting, biWait)}
		_, _ = hex.Decode(a.hash[:], []byte(g.Hash)) // checked when it was read
		list = append(list, a)
	}
	return list
}

// pattern matches what part makes of any of the accounts.
func pattern(accounts []account, part func(account) string) string {
	var parts []string
	for _, a := range accounts {
		parts = append(parts, regexp.QuoteMeta(part(a)))
	}
	return strings.Join(parts, "|")
}

// knownPart is the part of a password that the configuration may hold in clear: enough to keep strangers out, too little to be
// the password. Of a generated one it is 16 of 43 characters, 96 bits of 256.
func knownPart(password string) string { return password[:min(len(password)/2, 16)] }
