package configs

import "embed"

// Demo holds the files of the demo network, one a node, by IPA code.
//
//go:embed demo/*.yaml
var Demo embed.FS

// Prompts holds the built-in announcements, a directory a language.
//
//go:embed prompts
var Prompts embed.FS

// Reference is every key with its default and a comment.
//
//go:embed reference.yaml
var Reference []byte
