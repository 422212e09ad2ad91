package graphql

import _ "embed"

//go:embed schema.graphql
var sdl string

// SDL is the text of schema.graphql.
func SDL() string { return sdl }

//go:embed marketplacer.graphql
var marketplacer string

// Marketplacer is the text of marketplacer.graphql: the chats with sellers.
func Marketplacer() string { return marketplacer }

//go:embed chatty.graphql
var chatty string

// Chatty is the text of chatty.graphql: the types that Chatty publishes.
func Chatty() string { return chatty }
