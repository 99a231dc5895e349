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

// docs/operations.md lists every metric of ours, and none that is not there.
func TestDocsListMetrics(t *testing.T) {
	name := regexp.MustCompile(`\bla2_[a-z0-9_]+`)
	code := map[string]bool{}
	sources(t, func(path string, _ *token.FileSet, f *ast.File) {
		if strings.HasSuffix(path, "_test.go") || !strings.HasPrefix(path, "cti/metrics/") && !strings.HasPrefix(path, "cmd/la2/node/") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if m := strings.Trim(lit.Value, `"`); m != "" && name.FindString(m) == m {
					code[m] = true
				}
			}
			return true
		})
	})
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range name.FindAllString(string(raw), -1) {
		told[m] = true
		if !code[m] {
			t.Errorf("docs/operations.md names %s, which is not there", m)
		}
	}
	for m := range code {
		if !told[m] {
			t.Errorf("docs/operations.md does not name %s", m)
		}
	}
}
