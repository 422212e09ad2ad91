package main

import "errors"

type importIAdvize struct{}

// Run imports.
func (c *importIAdvize) Run(*app) error { return errors.New("not yet") }
