package main

import (
	"github.com/alecthomas/kong"

	"github.com/parley-analytics/parley/cmd/internal/backup"
)

// backupPlace is where backups are: a directory, or s3://BUCKET/PREFIX.
type backupPlace string

// UnmarshalText makes the path of a directory absolute.
func (p *backupPlace) UnmarshalText(text []byte) error {
	*p = backupPlace(text)
	if !backup.IsBucket(string(text)) {
		*p = backupPlace(kong.ExpandPath(string(text)))
	}
	return nil
}

// placeFlags say how a place that is a bucket is reached.
type placeFlags struct {
	S3Endpoint string `name:"s3-endpoint" help:"Service of an s3:// place. Credentials are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the profile AWS_PROFILE of ~/.aws/credentials, or those of the machine's role." default:"https://s3.amazonaws.com" placeholder:"URL"`
	S3Region   string `name:"s3-region" help:"Region of the bucket. The service is asked for it if this is not given." placeholder:"REGION"`
}

// open opens a place; what a backup adds to it is collected in the directory spool.
func (f placeFlags) open(p backupPlace, spool string) (*backup.Repository, error) {
	return backup.Open(string(p), spool, backup.S3{Endpoint: f.S3Endpoint, Region: f.S3Region})
}

// read opens a place that nothing is added to.
func (f placeFlags) read(p backupPlace) (*backup.Repository, error) { return f.open(p, "") }
