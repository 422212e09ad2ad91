package embedded

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"text/template"
)

// Names of the ClickHouse users. Only names that begin with parley_ reach the child's HTTP port.
const (
	WriterUser = "parley_writer"
	ReaderUser = "parley_reader"
	BIUser     = "parley_bi"
)

// biViews are what dashboards read, biPersonalViews what they read only with BIPersonalData. All are in database parley.
var (
	biViews         = []string{"conversations", "contacts", "transactions", "messages", "events", "quarantine"}
	biPersonalViews = []string{"visitors", "message_texts", "events_original", "quarantine_original"}
)

var (
	//go:embed config.xml.tmpl
	configText string
	//go:embed users.xml.tmpl
	usersText string
)

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

// settings is what the two configuration files are made from. Sizes are bytes.
type settings struct {
	Dir, UsersFile                             string
	WriterPassword, ReaderPassword, BIPassword string
	BIViews                                    []string
	Merges                                     int
	MaxMemory, MergeMemory                     int64
	ReaderMemory, ReaderMemoryAll              int64
	BIMemory, BIMemoryAll                      int64
	MarkCache, SmallCache, MaxTemporary        int64
}

// files are the paths of what writeConfig has written.
type files struct{ data, config, start string }

// writeConfig makes the folders (0700) and the configuration files (0600) below config.Dir.
func writeConfig(config ClickHouseConfig) (files, error) {
	dir := config.Dir
	f := files{
		data:   filepath.Join(dir, "data"),
		config: filepath.Join(dir, "config.xml"),
		start:  filepath.Join(dir, "start.sql"),
	}
	for _, folder := range []string{dir, f.data, filepath.Join(dir, "tmp"), filepath.Join(dir, "user_files"),
		filepath.Join(dir, "format_schemas"), filepath.Join(dir, "user_scripts"), filepath.Join(dir, "backups")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return files{}, err
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return files{}, err
	}

	memory := config.MaxMemory
	s := settings{
		Dir: dir, UsersFile: filepath.Join(dir, "users.xml"),
		WriterPassword: config.WriterPassword, ReaderPassword: config.ReaderPassword, BIPassword: config.BIPassword,
		BIViews:      biViews,
		Merges:       min(max(runtime.NumCPU()/2, 2), 8),
		MaxMemory:    memory,
		MergeMemory:  memory / 2,
		ReaderMemory: memory / 5 * 2,
		BIMemory:     memory / 5,
		MarkCache:    min(memory/16, 256<<20),
		SmallCache:   min(memory/64, 64<<20),
		MaxTemporary: 20 << 30,
	}
	s.ReaderMemoryAll, s.BIMemoryAll = memory/5*3, memory/5*2
	if config.BIPersonalData {
		s.BIViews = append(append([]string(nil), biViews...), biPersonalViews...)
	}
	for path, text := range map[string]string{f.config: configText, s.UsersFile: usersText, f.start: "SYSTEM START LISTEN HTTP;\n"} {
		t, err := template.New(filepath.Base(path)).Funcs(templateFuncs).Parse(text)
		if err != nil {
			return files{}, fmt.Errorf("template of %s: %w", path, err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, s); err != nil {
			return files{}, fmt.Errorf("template of %s: %w", path, err)
		}
		if err := writeFile(path, b.Bytes()); err != nil {
			return files{}, err
		}
	}
	return f, nil
}
