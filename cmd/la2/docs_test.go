package main

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	docTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	docFile = regexp.MustCompile("`([a-z0-9_]+(?:/[A-Za-z0-9_.-]+)+)/?`")
	docLink = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

// What the documents name exists: tests, files and the targets of links.
func TestDocsNameWhatExists(t *testing.T) {
	tests := map[string]bool{}
	sources(t, func(_ string, _ *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				tests[fn.Name.Name] = true
			}
		}
	})
	root := filepath.Join("..", "..")
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	adr, err := filepath.Glob(filepath.Join(root, "docs", "adr", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	docs = append(append(docs, adr...), filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"))
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	for _, doc := range docs {
		raw, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for _, m := range docTest.FindAllStringSubmatch(text, -1) {
			if !tests[m[1]] {
				t.Errorf("%s: no test %s", doc, m[1])
			}
		}
		for _, m := range docFile.FindAllStringSubmatch(text, -1) {
			top, _, _ := strings.Cut(m[1], "/")
			if exists(filepath.Join(root, top)) && top != "bin" && !exists(filepath.Join(root, m[1])) {
				t.Errorf("%s: no file %s", doc, m[1])
			}
		}
		for _, m := range docLink.FindAllStringSubmatch(text, -1) {
			if !exists(filepath.Join(filepath.Dir(doc), m[1])) {
				t.Errorf("%s: link to %s leads nowhere", doc, m[1])
			}
		}
	}
}

// A decision record is short.
func TestADRsAreShort(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "adr", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no records: %v", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(raw), "\n"); n > 40 {
			t.Errorf("%s has %d lines, at most 40", f, n)
		}
	}
}
