package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Repository is a place with backups. One backup is made in it at a time.
type Repository struct {
	store Store
	spool string          // the directory of contents whose hash is not known yet
	has   map[string]bool // objects that are stored
	// Stored and StoredBytes count the files that were new, and their size as stored.
	Stored, StoredBytes int64
}

// Open opens the repository at a place: a directory, which may be missing, or s3://BUCKET/PREFIX with
// or without a prefix. Contents are collected in the directory spool until their hash is known.
func Open(place, spool string, s3 S3) (*Repository, error) {
	if !IsBucket(place) {
		return &Repository{store: folder(place), spool: spool}, nil
	}
	b, err := openBucket(place, s3)
	if err != nil {
		return nil, err
	}
	return &Repository{store: b, spool: spool}, nil
}

// IsBucket reports whether a place is a bucket, not a directory.
func IsBucket(place string) bool { return strings.HasPrefix(place, bucketScheme) }

// names of what is stored.
const (
	manifests = "backups/"
	objects   = "objects/"
	suffix    = ".json"
)

func objectOf(hash string) string { return objects + hash[:2] + "/" + hash }

// idForm is the form of the ids, which sort like the times.
const idForm = "20060102T150405.000Z"

// NewID returns the id of a backup that begins at a time.
func NewID(at time.Time) string { return at.UTC().Format(idForm) }

// IDs lists the backups, the oldest first.
func (r *Repository) IDs(ctx context.Context) ([]string, error) {
	names, err := r.store.List(ctx, manifests)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		if id, is := strings.CutSuffix(path.Base(name), suffix); is {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Get reads the manifest of a backup; that of the latest with an empty id.
func (r *Repository) Get(ctx context.Context, id string) (*Manifest, error) {
	if id == "" {
		ids, err := r.IDs(ctx)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, errors.New("there is no backup")
		}
		id = ids[len(ids)-1]
	}
	file, err := r.store.Open(ctx, manifests+id+suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no backup %s", id)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	m, err := decode(content)
	if err != nil {
		return nil, fmt.Errorf("%s%s%s: %w", manifests, id, suffix, err)
	}
	return m, nil
}

// Erasures returns those of all backups that came after a moment. A manifest that cannot be read is an error: it may list some.
func (r *Repository) Erasures(ctx context.Context, after time.Time) ([]Erasure, error) {
	ids, err := r.IDs(ctx)
	if err != nil {
		return nil, err
	}
	var list []Erasure
	for _, id := range ids {
		m, err := r.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, e := range m.Erasures {
			known := slices.ContainsFunc(list, func(k Erasure) bool { return k.Project == e.Project && k.Conversation == e.Conversation })
			if e.At.After(after) && !known {
				list = append(list, e)
			}
		}
	}
	return list, nil
}

// Add stores a content unless it is there already.
func (r *Repository) Add(ctx context.Context, name string, content io.Reader) (File, error) {
	if err := r.look(ctx); err != nil {
		return File{}, err
	}
	// The hash, which is the name, is known only at the end.
	if err := os.MkdirAll(r.spool, 0o700); err != nil {
		return File{}, err
	}
	spooled, err := os.CreateTemp(r.spool, ".parley-backup-*")
	if err != nil {
		return File{}, err
	}
	defer os.Remove(spooled.Name())
	defer spooled.Close()
	sum := sha256.New()
	packed, err := zstd.NewWriter(spooled, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return File{}, err
	}
	size, err := io.Copy(io.MultiWriter(packed, sum), content)
	if closed := packed.Close(); err == nil {
		err = closed
	}
	file := File{Name: name, Size: size, Hash: hex.EncodeToString(sum.Sum(nil))}
	if err != nil || r.has[objectOf(file.Hash)] {
		return file, err
	}
	stored, err := spooled.Seek(0, io.SeekCurrent)
	if err != nil {
		return file, err
	}
	if _, err := spooled.Seek(0, io.SeekStart); err != nil {
		return file, err
	}
	if err := r.store.Put(ctx, objectOf(file.Hash), spooled); err != nil {
		return file, err
	}
	r.has[objectOf(file.Hash)] = true
	r.Stored++
	r.StoredBytes += stored
	return file, nil
}

// look lists the objects that are stored, once.
func (r *Repository) look(ctx context.Context) error {
	if r.has != nil {
		return nil
	}
	names, err := r.store.List(ctx, objects)
	if err != nil {
		return err
	}
	r.has = make(map[string]bool, len(names))
	for _, name := range names {
		r.has[name] = true
	}
	return nil
}

// Finish makes the backup exist.
func (r *Repository) Finish(ctx context.Context, m *Manifest) error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	return r.store.Put(ctx, manifests+m.ID+suffix, bytes.NewReader(text))
}

// Read opens a file of a backup. The end of it is an error where its content is not the one that was
// stored.
func (r *Repository) Read(ctx context.Context, f File) (io.ReadCloser, error) {
	if len(f.Hash) != 2*sha256.Size {
		return nil, errors.New("it has no checksum")
	}
	object, err := r.store.Open(ctx, objectOf(f.Hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing", objectOf(f.Hash))
	}
	if err != nil {
		return nil, err
	}
	content, err := zstd.NewReader(object, zstd.WithDecoderConcurrency(1))
	if err != nil {
		object.Close()
		return nil, err
	}
	return &reading{content: content, object: object, file: f, sum: sha256.New()}, nil
}

// reading checks what is read.
type reading struct {
	content *zstd.Decoder
	object  io.Closer
	file    File
	sum     hash.Hash
	size    int64
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.content.Read(p)
	r.sum.Write(p[:n])
	r.size += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		if r.size != r.file.Size || hex.EncodeToString(r.sum.Sum(nil)) != r.file.Hash {
			return n, fmt.Errorf("%s is damaged: its checksum is wrong", objectOf(r.file.Hash))
		}
	case err != nil && !isUnavailable(err):
		err = fmt.Errorf("%s is damaged: %w", objectOf(r.file.Hash), err)
	}
	return n, err
}

func (r *reading) Close() error {
	r.content.Close()
	return r.object.Close()
}

// Damage is a file that is missing, or is not what was stored.
type Damage struct {
	Backup string
	File   string // empty for the manifest
	Err    error
}

// isUnavailable reports whether an error says nothing of a content.
func isUnavailable(err error) bool {
	_, is := errors.AsType[*UnavailableError](err)
	return is
}

// Verify reads every file of one backup, or of all of them with an empty id, and returns what is
// damaged. Report is called with each backup that was read. A place that cannot be read is an error.
func (r *Repository) Verify(ctx context.Context, id string, report func(m *Manifest, files int)) ([]Damage, error) {
	ids, all := []string{id}, id == ""
	if all {
		var err error
		if ids, err = r.IDs(ctx); err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, errors.New("there is no backup")
		}
	}
	var found []Damage
	read := map[string]error{} // by object
	for _, id := range ids {
		m, err := r.Get(ctx, id)
		if isUnavailable(err) {
			return nil, err
		}
		if err != nil {
			found = append(found, Damage{Backup: id, Err: err})
			continue
		}
		if all && m.Previous != "" && !slices.Contains(ids, m.Previous) {
			found = append(found, Damage{Backup: m.Previous, Err: fmt.Errorf("%s%s%s is missing, and %s was made after it", manifests, m.Previous, suffix, id)})
		}
		files, before := 0, len(found)
		for name, f := range m.Each {
			files++
			err, known := read[f.Hash]
			if !known {
				err = r.check(ctx, f)
				read[f.Hash] = err
			}
			if isUnavailable(err) {
				return nil, err
			}
			if err != nil {
				found = append(found, Damage{id, name, err})
			}
		}
		if len(found) == before {
			report(m, files)
		}
	}
	return found, ctx.Err()
}

func (r *Repository) check(ctx context.Context, f File) error {
	content, err := r.Read(ctx, f)
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(io.Discard, content)
	return err
}
