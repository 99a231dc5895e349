package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// Limits of the source, in lines. A table is a function of one or two statements,
// such as a switch over a state machine's states or a list of words.
const (
	maxFile     = 600
	maxFunction = 60
	maxTable    = 150
	maxMedian   = 150
)

// sources calls fn for every Go file of ours, those of tests included.
func sources(t *testing.T, fn func(path string, fset *token.FileSet, f *ast.File)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		fn(strings.TrimPrefix(filepath.ToSlash(path), "../../"), fset, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every goroutine is started beside a comment that says who ends it.
func TestGoStatementsSayWhoEndsThem(t *testing.T) {
	sources(t, func(path string, fset *token.FileSet, f *ast.File) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		told := map[int]bool{}
		for _, group := range f.Comments {
			text := group.Text()
			if !strings.Contains(text, "end") && !strings.Contains(text, "until") {
				continue
			}
			for line := fset.Position(group.Pos()).Line; line <= fset.Position(group.End()).Line+1; line++ {
				told[line] = true
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if starts(n) && !told[fset.Position(n.Pos()).Line] {
				t.Errorf("%s:%d: a goroutine without a comment that says who ends it", path, fset.Position(n.Pos()).Line)
			}
			return true
		})
	})
}

// starts tells whether n starts a goroutine: a go statement or WaitGroup.Go.
func starts(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.CallExpr:
		sel, ok := n.Fun.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Go" && len(n.Args) == 1
	}
	return false
}

func TestSizes(t *testing.T) {
	var files []int
	sources(t, func(path string, fset *token.FileSet, f *ast.File) {
		lines := fset.Position(f.FileEnd).Line
		if lines > maxFile {
			t.Errorf("%s has %d lines, at most %d", path, lines, maxFile)
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		files = append(files, lines)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			most := maxFunction
			if fn.Body != nil && len(fn.Body.List) <= 2 {
				most = maxTable
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > most {
				t.Errorf("%s: %s has %d lines, at most %d", path, fn.Name.Name, n, most)
			}
		}
	})
	sort.Ints(files)
	if m := files[len(files)/2]; m > maxMedian {
		t.Errorf("the median file has %d lines, at most %d", m, maxMedian)
	}
}
