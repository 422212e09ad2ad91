package transport

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// origins are the origins from which browsers may send requests (CORS). Browsers keep no
// credentials for Parley, so none may be sent.
type origins struct {
	all   bool
	named []string
}

func newOrigins(names []string) (origins, error) {
	var o origins
	for _, name := range names {
		if name == "*" {
			o.all = true
			continue
		}
		u, err := url.Parse(name)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != name {
			return origins{}, fmt.Errorf("transport: origin %q must be like https://example.org, or *", name)
		}
		o.named = append(o.named, name)
	}
	return o, nil
}

// serve adds the CORS fields to an answer, and answers a preflight request
// itself. Without configured origins it does nothing: browsers then keep other
// sites away.
func (o origins) serve(w http.ResponseWriter, r *http.Request) (answered bool) {
	if !o.all && len(o.named) == 0 {
		return false
	}
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return false
	case o.all:
		header.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(o.named, origin):
		header.Set("Access-Control-Allow-Origin", origin)
	default:
		return false
	}
	header.Set("Access-Control-Expose-Headers", "Retry-After")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET, POST")
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Api-Id, X-Api-Secret, Traceparent, Tracestate")
	header.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
