package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"
	"testing"
)

// sources are what the build reads; scripts/sources.mjs lists the same.
var sources = []string{"src", "public", "index.html", "vite.config.ts", "tsconfig.json", "package.json", "package-lock.json"}

func TestDistIsBuiltFromTheseSources(t *testing.T) {
	var files []string
	root := os.DirFS(".")
	for _, s := range sources {
		err := fs.WalkDir(root, s, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.Contains(path.Base(p), ".test.") {
				files = append(files, p)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(files)
	var list bytes.Buffer
	for _, f := range files {
		b, err := fs.ReadFile(root, f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(b), f)
	}
	sum := sha256.Sum256(list.Bytes())
	want := hex.EncodeToString(sum[:])
	got, err := fs.ReadFile(Desktop(), ".sources")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(got)) != want {
		t.Fatalf("dist was built from other sources (%s, now %s): run make web and commit web/dist", bytes.TrimSpace(got), want)
	}
}

func TestDesktopIsWhole(t *testing.T) {
	page, err := fs.ReadFile(Desktop(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(page, []byte("<style")) || bytes.Contains(page, []byte("<script>")) {
		t.Error("index.html holds an inline script or style, which the policy forbids")
	}
	for _, part := range bytes.Split(page, []byte(`"`)) {
		name, ok := strings.CutPrefix(string(part), "/assets/")
		if !ok {
			continue
		}
		if _, err := fs.Stat(Desktop(), "assets/"+name); err != nil {
			t.Errorf("index.html names a file that is not there: %v", err)
		}
	}
	err = fs.WalkDir(Desktop(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".css") {
			return err
		}
		b, err := fs.ReadFile(Desktop(), p)
		if bytes.Contains(b, []byte("url(http")) || bytes.Contains(b, []byte("url(//")) {
			t.Errorf("%s asks another host for a file", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
