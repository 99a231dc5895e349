package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/lineaamica/la2/"

// imports of ours by package directory, test files left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == ".git" || name == "tools" || name == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(rel)
		out[dir] = append(out[dir], "")
		for _, im := range f.Imports {
			if p := strings.Trim(im.Path.Value, `"`); strings.HasPrefix(p, module) {
				out[dir] = append(out[dir], strings.TrimPrefix(p, module))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func under(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// mayImport is the table of docs/architecture.md: which of our packages one of
// ours may import.
func mayImport(from, to string) bool {
	if under(from, "cmd") || under(from, "bench") {
		return true
	}
	switch {
	case to == "configs" || under(to, "cmd"):
		return false
	case from == "cti", from == "numbering":
		return false
	case to == "cti", to == "numbering":
		return true
	case under(from, "acd"):
		return under(to, "acd")
	case under(from, "sip/b2bua"):
		return under(to, "sip") || under(to, "media")
	case under(from, "sip"):
		return under(to, "sip") && !under(to, "sip/b2bua")
	case under(from, "media"):
		return under(to, "media")
	case under(from, "cti"):
		return under(to, "cti")
	case under(from, "ticketlink"):
		return under(to, "ticketlink")
	case from == "phone":
		return (under(to, "sip") && !under(to, "sip/b2bua")) || under(to, "media")
	}
	return false
}

func TestArrows(t *testing.T) {
	for from, list := range imports(t) {
		for _, to := range list {
			if to != "" && !mayImport(from, to) {
				t.Errorf("%s must not import %s", from, to)
			}
		}
	}
}

// Every package says what it is.
func TestPackageDocs(t *testing.T) {
	for dir := range imports(t) {
		files, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := "\n" + string(raw)
			found = found || strings.Contains(text, "\n// Package ") || strings.Contains(text, "\n// Command ")
		}
		if !found {
			t.Errorf("%s has no package comment", dir)
		}
	}
}
