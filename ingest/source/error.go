package source

import "errors"

var errMoment = errors.New("must be a time in RFC 3339, or Unix milliseconds")
