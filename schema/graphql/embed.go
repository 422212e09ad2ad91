package graphql

import (
	_ "embed"
	"strings"
)

//go:embed schema.graphql
var sdl string

// SDL is the text of schema.graphql.
func SDL() string { return sdl }

// Queries is the same schema with the queries alone, and Feed the one with the type Subscription as the root of queries: each answer
// of a subscription is one of those.
func Queries() string { return rooted("Query") }

// Feed is described at [Queries].
func Feed() string { return rooted("Subscription") }

func rooted(at string) string {
	_, types, _ := strings.Cut(sdl, "\n}\n") // behind the roots
	return "schema {\n  query: " + at + "\n}\n" + types
}

//go:embed marketplacer.graphql
var marketplacer string

// Marketplacer is the text of marketplacer.graphql: the chats with sellers.
func Marketplacer() string { return marketplacer }

//go:embed chatty.graphql
var chatty string

// Chatty is the text of chatty.graphql: the types that Chatty publishes.
func Chatty() string { return chatty }
