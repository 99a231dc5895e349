// Package web holds the operator desktop, built from the TypeScript sources
// beside it (make web) and embedded so that a node is one file.
//
// dist/ is committed: a clone builds without Node. dist/.sources names the
// sources it was built from; the test of this package fails when they differ.
// The package owns no goroutine and serves nothing itself: package cti/server
// does, with ContentSecurityPolicy.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// ContentSecurityPolicy is what the desktop needs and no more: everything from
// the node itself, no inline script or style element, no framing (W3C CSP 3).
// Images may be data URLs: the style sheet carries small icons that way.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Desktop is the tree of files to serve at "/": index.html, assets/ whose names
// carry a hash of their content (cacheable for ever), and the hidden .sources
// (not for serving). Safe for concurrent use.
func Desktop() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: dist: " + err.Error()) // the embedded directory has this name by construction
	}
	return sub
}
