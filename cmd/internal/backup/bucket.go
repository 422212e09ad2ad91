package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// bucketScheme begins the name of a place that is no directory.
const bucketScheme = "s3://"

// S3 says how buckets are reached. The credentials are those that other clients of S3 use: the
// variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else the profile
// AWS_PROFILE of ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE), else the role of the machine.
type S3 struct {
	Endpoint string // URL of the service, without a path
	Region   string // of the bucket; the service is asked for it if this is empty
}

// UnavailableError is that of a bucket which cannot be reached, or refuses: nothing is known of what it holds.
type UnavailableError struct {
	Bucket string
	Err    error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%s%s: %v", bucketScheme, e.Bucket, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// bucket is a [Store] in a bucket, of which it uses the objects below a prefix. An object of any size
// is there completely or not at all: a large one is sent in parts, and exists when all have arrived.
type bucket struct {
	client       *minio.Core
	name, prefix string
}

// openBucket understands s3://BUCKET/PREFIX; it does not speak to the service yet.
func openBucket(place string, s3 S3) (*bucket, error) {
	name, prefix, _ := strings.Cut(strings.TrimPrefix(place, bucketScheme), "/")
	if err := s3utils.CheckValidBucketNameStrict(name); err != nil {
		return nil, fmt.Errorf("%q: not the name of a bucket: %w", name, err)
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		if !fs.ValidPath(prefix) {
			return nil, fmt.Errorf("%q: the prefix must consist of names with slashes between them", prefix)
		}
		prefix += "/"
	}
	endpoint, err := url.Parse(s3.Endpoint)
	if err != nil || endpoint.Scheme != "https" && endpoint.Scheme != "http" || endpoint.Host == "" ||
		strings.Trim(endpoint.Path, "/") != "" || endpoint.RawQuery != "" || endpoint.User != nil {
		return nil, errors.New("--s3-endpoint: must be the URL of a service, https://HOST[:PORT], without credentials or a path")
	}
	client, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds:  credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}}),
		Secure: endpoint.Scheme == "https",
		Region: s3.Region,
	})
	if err != nil {
		return nil, fmt.Errorf("--s3-endpoint: %w", err)
	}
	return &bucket{client: client, name: name, prefix: prefix}, nil
}

// unavailable returns the error of an operation; nil for none.
func (b *bucket) unavailable(err error) error {
	if err == nil {
		return nil
	}
	return &UnavailableError{b.name, err}
}

// Put sends the content; what was sent of an interrupted one is removed.
func (b *bucket) Put(ctx context.Context, name string, content io.ReadSeeker) error {
	size, err := content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	_, err = b.client.Client.PutObject(ctx, b.name, b.prefix+name, content, size, minio.PutObjectOptions{ContentType: "application/octet-stream"})
	return b.unavailable(err)
}

// Open begins to read the object.
func (b *bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	o := &object{ctx: ctx, bucket: b, name: b.prefix + name}
	body, info, _, err := b.client.GetObject(ctx, b.name, o.name, minio.GetObjectOptions{})
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, b.unavailable(err)
	}
	o.body, o.size, o.tag = body, info.Size, info.ETag
	return o, nil
}

// List asks for the objects, a thousand at a time.
func (b *bucket) List(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var names []string
	for info := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
		if info.Err != nil {
			return nil, b.unavailable(info.Err)
		}
		names = append(names, strings.TrimPrefix(info.Key, b.prefix))
	}
	return names, nil
}

// breaks is how often the connection to one object may break without a byte in between.
const breaks = 5

// object reads an object, on a new connection where one breaks.
type object struct {
	ctx    context.Context
	bucket *bucket
	name   string
	body   io.ReadCloser
	size   int64
	tag    string // of its content
	at     int64
	broken int
}

func (o *object) Read(p []byte) (int, error) {
	for {
		n, err := o.body.Read(p)
		if o.at += int64(n); n > 0 {
			o.broken = 0
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && o.at == o.size:
			return n, err
		case errors.Is(err, io.EOF):
			err = io.ErrUnexpectedEOF
		}
		if o.broken++; o.broken > breaks || o.ctx.Err() != nil {
			return n, o.bucket.unavailable(err)
		}
		if err := o.again(); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// again continues after what was read.
func (o *object) again() error {
	var options minio.GetObjectOptions
	if err := errors.Join(options.SetRange(o.at, o.size-1), options.SetMatchETag(o.tag)); err != nil {
		return o.bucket.unavailable(err)
	}
	body, _, _, err := o.bucket.client.GetObject(o.ctx, o.bucket.name, o.name, options)
	if err != nil {
		return o.bucket.unavailable(err)
	}
	o.body.Close()
	o.body = body
	return nil
}

func (o *object) Close() error { return o.body.Close() }
