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

// noFileFunction takes the place of the function file, which in this mode of ClickHouse gives any user the content of any file that
// the process can read, whatever the grants are. A function found in this folder at the start hides the built-in one of the same name.
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

// settings is what the two configuration files are made from. Sizes are bytes.
type settings struct {
	Dir, UsersFile                             string
	WriterPassword, ReaderPassword, BIPassword string
	BIViews                                    []string
	ReaderLimits, BILimits                     []limit
	Merges                                     int
	MaxMemory, MergeMemory, MaxTemporary       int64
	MarkCache, SmallCache                      int64
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

	memory := config.MaxMemory
	s := settings{
		Dir: dir, UsersFile: filepath.Join(dir, "users.xml"),
		WriterPassword: config.WriterPassword, ReaderPassword: config.ReaderPassword, BIPassword: config.BIPassword,
		BIViews:      biViews,
		Merges:       min(max(runtime.NumCPU()/2, 2), 8),
		ReaderLimits: readerLimits(memory),
		BILimits:     biLimits(memory),
		MaxMemory:    memory,
		MergeMemory:  memory / 2,
		MaxTemporary: maxTemporary,
		MarkCache:    min(memory/16, 256<<20),
		SmallCache:   min(memory/64, 64<<20),
	}
	if config.BIPersonalData {
		s.BIViews = append(append([]string(nil), biViews...), biPersonalViews...)
	}
	for path, text := range map[string]string{
		f.config:    configText,
		s.UsersFile: usersText,
		f.start:     "SYSTEM START LISTEN HTTP;\n",
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
		if err := writeFile(path, b.Bytes()); err != nil {
			return files{}, err
		}
	}
	return f, nil
}
