package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// The paths that [Handler.Routes] serves, as patterns of [http.ServeMux].
const (
	PagePath   = "/{$}"
	StatusPath = "/status"
	AssetsPath = "/assets/"
)

//go:embed dist
var dist embed.FS

// Handler answers / and the files that the page needs.
type Handler struct {
	page   file
	built  bool // whether the page is in this binary
	assets map[string]file
}

// file is one embedded file, as it is and compressed.
type file struct {
	content, compressed []byte
	mediaType           string
}

// mediaTypes by the ending of a file's name. The system's own table differs from one machine to the next.
func mediaTypes() map[string]string {
	return map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
}

// New reads the embedded files.
func New() (*Handler, error) { return read(dist) }

func read(from fs.FS) (*Handler, error) {
	h := &Handler{assets: make(map[string]file)}
	page, err := fs.ReadFile(from, "dist/page/index.html")
	h.built = err == nil
	if errors.Is(err, fs.ErrNotExist) {
		page, err = fs.ReadFile(from, "dist/missing.html")
	}
	if err == nil {
		h.page, err = newFile(page, "text/html; charset=utf-8")
	}
	if err != nil {
		return nil, fmt.Errorf("web: read the page: %w", err)
	}
	names, err := fs.Glob(from, "dist/page/assets/*")
	if err != nil {
		return nil, fmt.Errorf("web: list the page's files: %w", err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(from, name)
		if err == nil {
			h.assets[path.Base(name)], err = newFile(content, mediaTypes()[path.Ext(name)])
		}
		if err != nil {
			return nil, fmt.Errorf("web: read %s: %w", name, err)
		}
	}
	return h, nil
}

func newFile(content []byte, mediaType string) (file, error) {
	if mediaType == "" {
		return file{}, errors.New("the kind of file is unknown")
	}
	var compressed bytes.Buffer
	w, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	return file{content, compressed.Bytes(), mediaType}, err
}

// Routes adds the page and its files.
func (h *Handler) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+PagePath, h.servePage)
	mux.HandleFunc("GET "+StatusPath, h.servePage)
	mux.HandleFunc("GET "+AssetsPath+"{file}", h.serveAsset)
}

func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"object-src 'none'",
	}, "; "))
	status := http.StatusOK
	if !h.built {
		status = http.StatusNotFound
	}
	h.page.serve(w, r, status)
}

// serveAsset answers with a file of the build, whose name holds a hash of its content.
func (h *Handler) serveAsset(w http.ResponseWriter, r *http.Request) {
	f, ok := h.assets[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	f.serve(w, r, http.StatusOK)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, status int) {
	header := w.Header()
	header.Set("Content-Type", f.mediaType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Vary", "Accept-Encoding")
	content := f.content
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		content = f.compressed
	}
	w.WriteHeader(status)
	_, _ = w.Write(content) // a reader that left needs no page
}
