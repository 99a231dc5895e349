package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// A page is one file of the desktop, read once.
type page struct {
	body      []byte
	mediaType string
	etag      string
	cache     string
}

// readDesktop reads the desktop's files: those under assets/ carry a hash in
// their name and never change; the others are revalidated at each use. Hidden
// files are not served.
func readDesktop(f fs.FS) (map[string]page, error) {
	pages := map[string]page{}
	err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		body, err := fs.ReadFile(f, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		p := page{body: body, mediaType: mediaType(name, body), etag: `"` + hex.EncodeToString(sum[:8]) + `"`, cache: "no-cache"}
		if strings.HasPrefix(name, "assets/") {
			p.cache = "public, max-age=31536000, immutable"
		}
		pages[name] = p
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("server: desktop: %w", err)
	}
	return pages, nil
}

// mediaType does not ask the system's table, which differs between machines.
func mediaType(name string, body []byte) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return http.DetectContentType(body)
}

func (s *Server) handleDesktop(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		newProblem(http.StatusMethodNotAllowed, "bad-request", "Only GET here").write(w)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	p, ok := s.pages[name]
	if !ok {
		problemOf(ErrNotFound).write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", p.mediaType)
	h.Set("Cache-Control", p.cache)
	h.Set("ETag", p.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.body))
}
