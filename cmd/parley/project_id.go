package main

import (
	"errors"

	"github.com/parley-analytics/parley/schema"
)

// projectID is a flag that names a project.
type projectID schema.ProjectID

// UnmarshalText reads its digits.
func (p *projectID) UnmarshalText(text []byte) error {
	id, err := schema.ParseProjectID(string(text))
	*p = projectID(id)
	if broken := (*schema.Error)(nil); errors.As(err, &broken) {
		return errors.New(broken.Rule) // the flag is named already
	}
	return err
}
