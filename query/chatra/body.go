package chatra

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Limits of a request, in bytes. A text of maxText fits into a body and into an
// event however it is escaped.
const (
	maxBody = 256 << 10
	maxText = 32 << 10
)

// fields are the members of a body, by name.
type fields map[string]json.RawMessage

// readBody reads one flat JSON object. Anything else is the documented error without details.
func readBody(w http.ResponseWriter, r *http.Request) (fields, error) {
	media, ok := endpoint.MediaType(r.Header.Get("Content-Type"))
	if !ok || media != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, errFormat()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "The body is larger than 256 KiB")
	}
	if err != nil || !utf8.Valid(body) || !json.Valid(body) {
		return nil, errFormat()
	}
	tokens := json.NewDecoder(bytes.NewReader(body))
	if token, err := tokens.Token(); err != nil || token != json.Delim('{') {
		return nil, errFormat()
	}
	all := make(fields)
	for tokens.More() {
		token, err := tokens.Token()
		name, _ := token.(string)
		if _, twice := all[name]; err != nil || twice {
			return nil, errFormat()
		}
		var value json.RawMessage
		if err := tokens.Decode(&value); err != nil {
			return nil, errFormat()
		}
		all[name] = value
	}
	return all, nil
}

// text reads a member that is a string of at most so many bytes; "" where it is
// absent or null.
func (f fields) text(name string, most int) (string, error) {
	value, given := f[name]
	if !given || string(value) == "null" {
		return "", nil
	}
	var text string
	if json.Unmarshal(value, &text) != nil || len(text) > most {
		return "", errFormat()
	}
	return text, nil
}

// needed reads a member that must be present and not empty.
func (f fields) needed(name string, most int) (string, error) {
	text, err := f.text(name, most)
	if err == nil && strings.TrimSpace(text) == "" {
		err = errFormat()
	}
	return text, err
}

// asked is a message to be sent.
type asked struct {
	Client       string `json:"clientId"`
	Text         string `json:"text"`
	Agent        string `json:"agentId"` // also of a group, or of no particular agent
	Name         string `json:"agentName"`
	Email        string `json:"agentEmail"`
	ReceivedFrom string `json:"receivedFrom"`
	Pushed       bool   `json:"isPushed"`
	Standing     bool   `json:"standing"` // a placeholder for the agent that is chosen
}

// readMessage reads the body of a POST.
func readMessage(f fields, pushed bool) (*asked, error) {
	m := &asked{Pushed: pushed}
	var group string
	for _, member := range []struct {
		name string
		most int
		into *string
	}{
		{"clientId", schema.MaxIDBytes, &m.Client}, {"text", maxText, &m.Text}, {"agentId", schema.MaxIDBytes, &m.Agent},
		{"groupId", schema.MaxIDBytes, &group}, {"agentEmail", schema.MaxIDBytes, &m.Email},
		{"agentName", schema.MaxIDBytes, &m.Name}, {"receivedFrom", schema.MaxIDBytes, &m.ReceivedFrom},
	} {
		text, err := f.text(member.name, member.most)
		if err != nil {
			return nil, err
		}
		*member.into = text
	}
	if m.Client == "" || strings.TrimSpace(m.Text) == "" {
		return nil, errFormat()
	}
	if pushed {
		if m.Agent != "" && group != "" {
			return nil, errFormat()
		}
		m.Email, m.Name, m.ReceivedFrom = "", "", ""
		if m.Agent == "" {
			m.Agent, m.Standing = short("agent of group", group), true
		}
		return m, nil
	}
	if m.Agent != "" {
		m.Email, m.Name = "", ""
		return m, nil
	}
	if !strings.Contains(m.Email, "@") || m.Name == "" || m.ReceivedFrom == "" {
		return nil, errFormat()
	}
	m.Email = strings.ToLower(strings.TrimSpace(m.Email))
	m.Agent = m.Email
	return m, nil
}
