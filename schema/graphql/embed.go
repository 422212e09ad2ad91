package graphql

import _ "embed"

//go:embed schema.graphql
var sdl string

// SDL is the text of schema.graphql.
func SDL() string { return sdl }
