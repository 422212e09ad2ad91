package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/backup"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/process"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/deploy/atomicfile"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/erase"
	"github.com/parley-analytics/parley/projector/replay"
	"github.com/parley-analytics/parley/schema"
)

// restoreCommand makes a data dir of a backup.
type restoreCommand struct {
	engines.Folder
	placeFlags
	From           backupPlace `help:"Directory of the backups, or s3://BUCKET/PREFIX." required:"" placeholder:"PLACE"`
	Backup         string      `help:"Which one, e.g. 20261127T103000.000Z. Defaults to the latest." placeholder:"ID"`
	Position       uint64      `help:"Leave out the events after this sequence of the log." placeholder:"SEQUENCE"`
	WithSecretKey  string      `help:"File with the secret key of the installation, if it is not in the backup." type:"path" placeholder:"FILE"`
	WithoutSecrets bool        `help:"Leave out keys, users and webhooks: they can be read only with the secret key."`
}

// Run restores into a directory beside the data dir, which becomes the data dir at the end.
func (c *restoreCommand) Run(a *app) error {
	began := time.Now()
	if err := refuseFilled(c.DataDir); err != nil {
		return err
	}
	r, err := c.read(c.From)
	if err != nil {
		return err
	}
	m, err := r.Get(a.ctx, c.Backup)
	if err != nil {
		return err
	}
	if last := m.Log[eventlog.EventsStream]; c.Position > 0 && (schema.Sequence(c.Position) < m.First || schema.Sequence(c.Position) > last) {
		return fmt.Errorf("--position: must be a sequence of the log of the backup, %d to %d", m.First, last)
	}
	damage, err := r.Verify(a.ctx, m.ID, func(*backup.Manifest, int) {})
	if err != nil {
		return err
	}
	if len(damage) > 0 {
		return fmt.Errorf("the backup %s is damaged: %s: %w; `parley backup verify` lists everything", m.ID, damage[0].File, damage[0].Err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(c.DataDir), filepath.Base(c.DataDir)+".restoring-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // it has become the data dir when all went well
	x := &restoration{app: a, restoreCommand: c, repository: r, manifest: m, dir: dir}
	if err := x.secrets(); err != nil {
		return err
	}
	if err := x.run(); err != nil {
		return err
	}
	if err := atomicfile.SyncTree(dir); err != nil {
		return err
	}
	if err := os.Rename(dir, c.DataDir); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "restored %s into %s in %s: log up to sequence %d, %s\n", m.ID, c.DataDir, since(began), x.last, x.tables)
	return nil
}

// refuseFilled makes sure that nothing is overwritten.
func refuseFilled(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return os.MkdirAll(filepath.Dir(dir), 0o700)
	}
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty: give another --data-dir, or move it away", dir)
	}
	return err
}

// restoration is the work on one backup.
type restoration struct {
	*app
	*restoreCommand
	repository *backup.Repository
	manifest   *backup.Manifest
	dir        string

	last   schema.Sequence // of the log of events
	tables string          // what became of them
}

// secrets puts the secret key and the BI users into place.
func (x *restoration) secrets() error {
	if x.WithoutSecrets {
		return nil
	}
	for _, f := range slices.Concat(x.manifest.Settings, x.manifest.Secrets) {
		if err := x.put(f, filepath.Join(x.dir, f.Name)); err != nil {
			return err
		}
	}
	path := filepath.Join(x.dir, engines.SecretKeyFile)
	if x.WithSecretKey != "" {
		key, err := engines.ReadSecretKey(x.WithSecretKey)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n")); err != nil {
			return err
		}
	}
	key, err := engines.ReadSecretKey(path)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("the backup has no secret.key, which its keys, users and webhooks are encrypted with: give it with --with-secret-key, or leave them out with --without-secrets")
	}
	if err == nil && hashOf(key) != x.manifest.KeyHash {
		err = errors.New("--with-secret-key is not the key that the keys, users and webhooks of the backup are encrypted with")
	}
	return err
}

// put writes a file of the backup.
func (x *restoration) put(f backup.File, path string) error {
	content, err := x.repository.Read(x.ctx, f)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Stream(path, func(w io.Writer) error {
		_, err := io.Copy(w, content)
		return err
	})
}

// run starts the engines on the new data dir, restores into them, and stops them.
func (x *restoration) run() (err error) {
	for _, f := range x.manifest.Tables {
		if err := x.put(f, filepath.Join(engines.BackupDir(x.dir), filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	p := process.New(slog.New(slog.DiscardHandler)) // errors of the engines are returned
	defer func() {
		if stopped := p.Shutdown(); err == nil {
			err = stopped
		}
	}()
	at := engines.Location{Folder: engines.Folder{DataDir: x.dir}}
	own := &engines.Embedded{NATSListen: "127.0.0.1:0", ClickHouseHTTP: "127.0.0.1:0"}
	own.Sync = "interval" // everything is flushed at the end
	e, err := at.Start(x.ctx, p, own, nil, readiness.New(readiness.Part{Name: engines.ClickHouse}))
	if err != nil {
		return err
	}
	if err := x.putBack(e); err != nil {
		return err
	}
	s := &engines.Session{Live: x.manifest.Live}
	if s.Log, err = e.OpenLog(x.ctx, "restore", x.log, 0, 0); err != nil {
		return err
	}
	p.OnStop("log", func(context.Context) error { s.Log.Close(); return nil })
	if s.Tables, err = e.OpenTables(x.ctx, x.log); err != nil {
		return err
	}
	p.OnStop("tables", func(context.Context) error { return s.Tables.Close() })
	if x.manifest.Live != 0 {
		err = s.Tables.Restore(x.ctx, x.manifest.Live)
	} else {
		err = x.emptyTables(s)
	}
	if err == nil {
		err = os.RemoveAll(engines.BackupDir(x.dir))
	}
	if err == nil {
		err = x.adjust(s)
	}
	return err
}

// putBack gives the server of the log its streams.
func (x *restoration) putBack(e *engines.Engines) error {
	var copies []eventlog.Snapshot
	files := map[string][]backup.File{}
	for _, s := range x.manifest.Streams {
		if s.Sealed() && x.WithoutSecrets {
			continue
		}
		copies = append(copies, s.Snapshot)
		files[s.Stream] = s.Files
	}
	return eventlog.PutBack(x.ctx, e.Log, copies, schema.Sequence(x.Position), func(s *eventlog.Snapshot) []eventlog.File {
		var list []eventlog.File
		for _, f := range files[s.Stream] {
			list = append(list, func() (io.ReadCloser, error) { return x.repository.Read(x.ctx, f) })
		}
		return list
	})
}

// emptyTables prepares tables that are built from the log.
func (x *restoration) emptyTables(s *engines.Session) (err error) {
	if err = s.Tables.Up(x.ctx); err == nil {
		s.Live, err = s.Tables.Live(x.ctx)
	}
	return err
}

// adjust brings the log to the position that was asked for, and erases again what was erased after the
// backup.
func (x *restoration) adjust(s *engines.Session) error {
	events := s.Log.Events()
	if x.Position > 0 {
		if err := events.Cut(x.ctx, schema.Sequence(x.Position)); err != nil {
			return err
		}
	}
	erasures, err := x.repository.Erasures(x.ctx, x.manifest.Began)
	if err != nil {
		return err
	}
	x.tables = tablesAt(x.manifest)
	// Tables that are ahead of the log have rows of events that are gone.
	if x.Position > 0 && x.manifest.Live != 0 || len(erasures) > 0 {
		if err := x.rebuild(s); err != nil {
			return err
		}
	}
	if len(erasures) > 0 {
		if err := x.erase(s, erasures); err != nil {
			return err
		}
	}
	if x.last, err = events.Last(x.ctx); err != nil {
		return err
	}
	if at := x.manifest.Positions[projector.LogEvents]; at > x.last {
		return fmt.Errorf("the backup is not usable: its tables are at sequence %d, but its log ends at %d", at, x.last)
	}
	return nil
}

// rebuild builds the tables from the log.
func (x *restoration) rebuild(s *engines.Session) error {
	lease, err := commandLease(x.app, s.Log)
	if err != nil {
		return err
	}
	texts, err := s.Tables.HoldsTexts(x.ctx, s.Live)
	if err != nil {
		return err
	}
	logs := engines.LogsOf(s.Log, s.Tables)
	r := &replay.Rebuild{
		Tables: s.Tables, Open: openVersion(logs, texts, x.log), Begins: logs.Begins, Gaps: logs.Gap, Ends: logs.Ends, Lease: lease, Logger: x.log,
		Report: inRecords(progress.New(x.stderr, "rebuild", "records", 0).Reach, s.Log.Events()), Patience: time.Nanosecond,
	}
	replayed, err := r.Replay(x.ctx)
	if err != nil {
		return fmt.Errorf("rebuild the tables: %w", err)
	}
	s.Live = replayed.Version
	x.tables = fmt.Sprintf("tables rebuilt from %d events", replayed.Events)
	return s.Tables.DropAllBut(x.ctx, s.Live)
}

// erase repeats erasures.
func (x *restoration) erase(s *engines.Session, erasures []backup.Erasure) error {
	byProject := map[schema.ProjectID][]schema.ConversationID{}
	for _, e := range erasures {
		byProject[e.Project] = append(byProject[e.Project], e.Conversation)
	}
	steps := &progress.Steps{Out: x.stderr}
	for project, ids := range byProject {
		texts, err := s.Tables.HoldsTexts(x.ctx, s.Live)
		if err != nil {
			return err
		}
		e, err := erasureOn(x.app, s, 0, texts, steps)
		if err != nil {
			return err
		}
		target := erase.Target{Project: project, Conversations: ids}
		found, err := e.Find(x.ctx, target)
		if err != nil {
			return err
		}
		if err := noteErasure(x.ctx, s.Log, target, found); err != nil {
			return err
		}
		if found, err = e.Run(x.ctx, target); err != nil {
			return fmt.Errorf("erase again what was erased after the backup: %w", err)
		}
		if s.Live, err = s.Tables.Live(x.ctx); err != nil {
			return err
		}
		fmt.Fprintf(x.stdout, "erased again, as after the backup: %d conversations, %d events, %d entries of quarantine\n",
			len(found.Conversations), found.Events, found.Refused)
	}
	steps.Finish()
	return nil
}
