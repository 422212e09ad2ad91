package graphiql

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed files
var files embed.FS

// file is one embedded file with the name in its URL.
type file struct {
	content   []byte
	mediaType string
}

// Handler answers /graphiql and what is below it.
type Handler struct {
	page    *template.Template
	version string // names the files' contents, so that browsers may keep them
	files   map[string]file
}

// mediaTypes by the ending of a file's name. The system's own table differs
// from one machine to the next.
func mediaTypes() map[string]string {
	return map[string]string{
		".css":  "text/css; charset=utf-8",
		".html": "text/html; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".txt":  "text/plain; charset=utf-8",
	}
}

// New reads the embedded files.
func New() (*Handler, error) {
	h := &Handler{files: make(map[string]file)}
	sum := sha256.New()
	err := fs.WalkDir(files, "files", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(content))
		sum.Write(content)
		h.files[path.Base(name)] = file{content, mediaTypes()[path.Ext(name)]}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("graphiql: read the embedded files: %w", err)
	}
	h.version = base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:9])
	h.page, err = template.New("page").Parse(string(h.files["page.html"].content))
	if err != nil {
		return nil, fmt.Errorf("graphiql: read the page: %w", err)
	}
	delete(h.files, "page.html")
	return h, nil
}

// Routes adds the page and its files.
func (h *Handler) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /graphiql", h.servePage)
	mux.HandleFunc("GET /graphiql/{version}/{file}", h.serveFile)
}

func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	values := struct{ Version, Nonce string }{h.version, base64.RawURLEncoding.EncodeToString(nonce)}
	var page bytes.Buffer
	if err := h.page.Execute(&page, values); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	secure(header)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self' 'nonce-" + values.Nonce + "'",
		"font-src 'self' data:",
		"img-src 'self' data:",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; "))
	_, _ = w.Write(page.Bytes()) // a reader that left needs no page
}

func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request) {
	f, ok := h.files[r.PathValue("file")]
	if !ok || r.PathValue("version") != h.version {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	secure(header)
	header.Set("Content-Type", f.mediaType)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(f.content)
}

func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
