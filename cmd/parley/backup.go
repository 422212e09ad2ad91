package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/backup"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// backupCommand makes backups and checks them.
type backupCommand struct {
	Create backupCreate `cmd:"" default:"withargs" help:"Back up a running serve: the log, the tables, and keys, users and settings."`
	Verify backupVerify `cmd:"" help:"Read backups completely and report what is damaged."`
	List   backupList   `cmd:"" help:"List the backups."`
}

type backupCreate struct {
	engines.Location
	placeFlags
	To            backupPlace `help:"Directory of the backups, or s3://BUCKET/PREFIX. Files that it has already are not stored again." required:"" placeholder:"PLACE"`
	WithoutTables bool        `help:"Leave out the tables; a restore rebuilds them from the log. Required with --clickhouse-url."`
	Secrets       bool        `help:"Include secret.key and admin-key.json. Without secret.key, a restore needs a copy of it for keys, users and webhooks."`
}

// Run makes a backup next to a running serve.
func (c *backupCreate) Run(a *app) (err error) {
	began := time.Now()
	if c.ClickHouseURL != "" && !c.WithoutTables {
		return errors.New("the tables of a ClickHouse server cannot be copied from here: add --without-tables, and back them up with the server's own BACKUP")
	}
	spool := filepath.Join(c.DataDir, "backup-spool")
	r, err := c.open(c.To, spool)
	if err != nil {
		return err
	}
	s, err := c.OpenAlone(a.ctx, "backup", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	defer func() { err = errors.Join(err, os.RemoveAll(spool)) }() // of an interrupted one too
	m, err := c.begin(a.ctx, r, s, began)
	if err != nil {
		return err
	}
	if err := c.copy(a, r, s, m); err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	if err := r.Finish(a.ctx, m); err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	files, bytes := 0, int64(0)
	for _, f := range m.Each {
		files, bytes = files+1, bytes+f.Size
	}
	fmt.Fprintf(a.stdout, "backup %s in %s: log up to sequence %d, %s; %d files, %s; new: %d files, %s\n", m.ID, since(began),
		m.Log[eventlog.EventsStream], tablesAt(m), files, mebibytes(bytes), r.Stored, mebibytes(r.StoredBytes))
	if len(m.Secrets) == 0 {
		fmt.Fprintln(a.stdout, "secret.key is not in it: keep a copy of it elsewhere")
	}
	return nil
}

func tablesAt(m *backup.Manifest) string {
	if m.Live == 0 {
		return "without tables"
	}
	return fmt.Sprintf("tables at %d", m.Positions[projector.LogEvents])
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// begin fills in what is known before anything is copied.
func (c *backupCreate) begin(ctx context.Context, r *backup.Repository, s *engines.Session, began time.Time) (*backup.Manifest, error) {
	m := &backup.Manifest{Format: backup.Format, ID: backup.NewID(began), Began: began.UTC(), Parley: version, Log: map[string]schema.Sequence{}}
	ids, err := r.IDs(ctx)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		m.Previous = ids[len(ids)-1]
	}
	if slices.Contains(ids, m.ID) || m.Previous > m.ID {
		return nil, fmt.Errorf("the last backup, %s, is not older than this one: check the clock", m.Previous)
	}
	for _, stream := range []*eventlog.Stream{s.Log.Events(), s.Log.Rejected()} {
		if m.Log[stream.Name()], err = stream.Last(ctx); err != nil {
			return nil, err
		}
		damage, err := stream.Damage(ctx)
		if err != nil {
			return nil, err
		}
		if damage != nil {
			return nil, fmt.Errorf("the log %s is damaged: repair it first, see `parley log check`", stream.Name())
		}
	}
	if m.Erasures, err = listErasures(ctx, s.Log); err != nil {
		return nil, err
	}
	key, err := c.SecretKey()
	if err != nil {
		return nil, err
	}
	m.KeyHash = hashOf(key)
	if m.First, err = s.Log.Events().NewReader().First(ctx); err != nil {
		return nil, err
	}
	if !c.WithoutTables {
		m.Live = s.Live
		return m, nil
	}
	whole, err := engines.LogsOf(s.Log, s.Tables).Gap(ctx, projector.LogEvents, 0)
	if err == nil && m.First > 1 && whole+1 < m.First {
		err = fmt.Errorf("retention has dropped the events below sequence %d from the log, so only the tables have them: leave out --without-tables", m.First)
	}
	return m, err
}

func hashOf(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])
}

// copy copies everything, in the order that doc.go of the package gives.
func (c *backupCreate) copy(a *app, r *backup.Repository, s *engines.Session, m *backup.Manifest) error {
	snapshots, err := s.Log.Snapshots(a.ctx)
	if err != nil {
		return err
	}
	tablesDone := c.WithoutTables
	for _, snapshot := range snapshots {
		if snapshot.Log() && !tablesDone {
			if err := c.copyTables(a.ctx, r, s.Tables, m); err != nil {
				return err
			}
			tablesDone = true
		}
		stream := backup.Stream{Snapshot: snapshot}
		err := s.Log.Copy(a.ctx, &stream.Snapshot, func(name string, content io.Reader) error {
			file, err := r.Add(a.ctx, name, content)
			stream.Files = append(stream.Files, file)
			return err
		})
		if err != nil {
			return err
		}
		m.Streams = append(m.Streams, stream)
	}
	if m.Settings, err = c.copyOwn(a.ctx, r, embedded.GuestsFile); err != nil || !c.Secrets {
		return err
	}
	m.Secrets, err = c.copyOwn(a.ctx, r, engines.SecretKeyFile, adminKeyName)
	return err
}

// copyOwn copies those of the files that the data dir has.
func (c *backupCreate) copyOwn(ctx context.Context, r *backup.Repository, names ...string) (copied []backup.File, err error) {
	for _, name := range names {
		file, err := addFile(ctx, r, name, filepath.Join(c.DataDir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		copied = append(copied, file)
	}
	return copied, nil
}

// copyTables lets ClickHouse copy the tables into a folder of its own first.
func (c *backupCreate) copyTables(ctx context.Context, r *backup.Repository, t *tables.Tables, m *backup.Manifest) (err error) {
	staged := engines.BackupDir(c.DataDir)
	remove := func() error {
		for _, name := range tables.BackupFolders() {
			if err := os.RemoveAll(filepath.Join(staged, name)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := remove(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if m.Positions, err = t.Backup(ctx, m.Live); err != nil {
		return err
	}
	return filepath.WalkDir(staged, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(staged, path)
		if err != nil {
			return err
		}
		file, err := addFile(ctx, r, filepath.ToSlash(name), path)
		m.Tables = append(m.Tables, file)
		return err
	})
}

func addFile(ctx context.Context, r *backup.Repository, name, path string) (backup.File, error) {
	content, err := os.Open(path)
	if err != nil {
		return backup.File{}, err
	}
	defer content.Close()
	return r.Add(ctx, name, content)
}

type backupVerify struct {
	placeFlags
	From   backupPlace `arg:"" help:"Directory of the backups, or s3://BUCKET/PREFIX." placeholder:"PLACE"`
	Backup string      `help:"Only this one, e.g. 20261127T103000.000Z. Defaults to all." placeholder:"ID"`
}

// Run fails if a file is damaged.
func (c *backupVerify) Run(a *app) error {
	r, err := c.read(c.From)
	if err != nil {
		return err
	}
	damage, err := r.Verify(a.ctx, c.Backup, func(m *backup.Manifest, files int) {
		fmt.Fprintf(a.stdout, "ok    %s: %d files; log up to sequence %d, %s\n", m.ID, files, m.Log[eventlog.EventsStream], tablesAt(m))
	})
	if err != nil {
		return err
	}
	for _, d := range damage {
		name := d.Backup
		if d.File != "" {
			name += " " + d.File
		}
		fmt.Fprintf(a.stdout, "FAIL  %s: %s\n", name, reason(d.Err))
	}
	if len(damage) > 0 {
		return errReported
	}
	return nil
}

type backupList struct {
	placeFlags
	From backupPlace `arg:"" help:"Directory of the backups, or s3://BUCKET/PREFIX." placeholder:"PLACE"`
}

// Run prints a line for each, the oldest first.
func (c *backupList) Run(a *app) error {
	r, err := c.read(c.From)
	if err != nil {
		return err
	}
	ids, err := r.IDs(a.ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		m, err := r.Get(a.ctx, id)
		if err != nil {
			return err
		}
		secrets := "no secret.key"
		if len(m.Secrets) > 0 {
			secrets = "with secret.key"
		}
		fmt.Fprintf(a.stdout, "%s  log up to sequence %d, %s, %s\n", id, m.Log[eventlog.EventsStream], tablesAt(m), secrets)
	}
	return nil
}
