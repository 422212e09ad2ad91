package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/timezone"
)

// Mapping defines the events created from a row of CSV; see the package comment.
type Mapping struct {
	Delimiter        string                       `yaml:"delimiter"`
	DecimalSeparator string                       `yaml:"decimalSeparator"`
	GroupSeparator   string                       `yaml:"groupSeparator"`
	FormulaGuard     bool                         `yaml:"formulaGuard"`
	TimeLayout       string                       `yaml:"timeLayout"`
	TimeZone         string                       `yaml:"timeZone"`
	Values           map[string]map[string]string `yaml:"values"`
	Events           []MappedEvent                `yaml:"events"`

	zone *time.Location
}

// MappedEvent is a pattern of an event.
type MappedEvent struct {
	When      string `yaml:"when"`
	ID        string `yaml:"id"`
	Source    string `yaml:"source"`
	Type      string `yaml:"type"`
	Time      string `yaml:"time"`
	Subject   string `yaml:"subject"`
	ProjectID string `yaml:"projectid"`
	Sequence  string `yaml:"sequence"`
	Data      any    `yaml:"data"`
}

// ReadMapping reads YAML or JSON, and refuses unknown members.
func ReadMapping(r io.Reader) (*Mapping, error) {
	decoder := yaml.NewDecoder(r)
	decoder.KnownFields(true)
	m := &Mapping{Delimiter: ",", DecimalSeparator: ".", TimeLayout: time.RFC3339Nano, TimeZone: "UTC"}
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	if len(m.Events) == 0 {
		return nil, errors.New("mapping: events is required")
	}
	if len([]rune(m.Delimiter)) != 1 || strings.ContainsAny(m.Delimiter, "\"\r\n\ufffd") {
		return nil, errors.New("mapping: delimiter must be one character, and neither a quote nor a line break")
	}
	if m.DecimalSeparator != "." && m.DecimalSeparator != "," {
		return nil, errors.New("mapping: decimalSeparator must be . or ,")
	}
	if !slices.Contains([]string{"", ".", ",", " ", "'", "’"}, m.GroupSeparator) || m.GroupSeparator == m.DecimalSeparator {
		return nil, errors.New("mapping: groupSeparator must be one of . , ' or a space, and not the decimalSeparator")
	}
	for i, e := range m.Events {
		for name, value := range map[string]string{"id": e.ID, "source": e.Source, "type": e.Type, "time": e.Time, "subject": e.Subject, "projectid": e.ProjectID} {
			if value == "" {
				return nil, fmt.Errorf("mapping: events[%d].%s is required", i, name)
			}
		}
	}
	var err error
	if m.zone, err = timezone.Load(m.TimeZone); err != nil {
		return nil, fmt.Errorf("mapping: timeZone: %w", err)
	}
	return m, nil
}

func (r *Reader) csv(in *bufio.Reader, m *Mapping) error {
	rows := newRows(in, m.Delimiter)
	header, at, err := rows.next()
	if err == nil {
		for _, name := range header {
			if err = r.checkText(name); err != nil {
				break
			}
		}
	}
	if err != nil {
		return fmt.Errorf("csv: line %d must name the columns: %w", max(1, at), err)
	}
	header = slices.Clone(header)
	if unknown := m.unknown(header); unknown != "" {
		return fmt.Errorf("mapping: the file has no column %q", unknown)
	}
	r.next = func() (Record, error) {
		cells, line, err := rows.next()
		var bad *rowError
		switch {
		case errors.As(err, &bad):
			return Record{Line: line, Err: bad}, nil
		case err != nil:
			return Record{}, err
		case len(cells) != len(header):
			return Record{Line: line, Err: fmt.Errorf("has %d cells, expected %d as in the first row", len(cells), len(header))}, nil
		}
		for i, cell := range cells {
			if err := r.checkText(cell); err != nil {
				return Record{Line: line, Err: fmt.Errorf("column %s: %w", header[i], err)}, nil
			}
		}
		row := row{mapping: m, header: header, cells: cells}
		for i := range m.Events {
			event, err := row.event(&m.Events[i])
			if err != nil {
				r.queue = append(r.queue, Record{Line: line, Err: err})
			} else if event != nil {
				r.queue = append(r.queue, Record{Line: line, Event: event})
			}
		}
		return Record{}, nil
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{([^{}:]+)(?::(time|uuid|operator|number|bool))?\}`)

// unknown returns a column of the mapping that the file does not have.
func (m *Mapping) unknown(header []string) (missing string) {
	check := func(text string) {
		for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(header, found[1]) {
				missing = found[1]
			}
		}
	}
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case string:
			check(v)
		case map[string]any:
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	for _, e := range m.Events {
		for _, text := range []string{e.When, e.ID, e.Source, e.Type, e.Time, e.Subject, e.ProjectID, e.Sequence} {
			check(text)
		}
		walk(e.Data)
	}
	return missing
}

type row struct {
	mapping       *Mapping
	header, cells []string
}

// event makes one event; nil if its condition does not hold.
func (r *row) event(e *MappedEvent) ([]byte, error) {
	if e.When != "" {
		held, err := r.fill(e.When)
		if err != nil || held == "" {
			return nil, err
		}
	}
	out := map[string]any{"specversion": "1.0", "datacontenttype": "application/json"}
	for name, pattern := range map[string]string{
		"id": e.ID, "source": e.Source, "type": e.Type, "time": e.Time, "subject": e.Subject, "projectid": e.ProjectID, "sequence": e.Sequence,
	} {
		value, err := r.fill(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if value != "" {
			out[name] = value
		}
	}
	data, err := r.value(e.Data)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if data == nil {
		data = struct{}{}
	}
	out["data"] = data
	return json.Marshal(out)
}

// value fills a pattern of data; nil if nothing is left of it.
func (r *row) value(pattern any) (any, error) {
	switch p := pattern.(type) {
	case string:
		found := placeholder.FindStringSubmatch(p)
		if found != nil && found[0] == p {
			return r.typed(found[1], found[2])
		}
		return r.fill(p)
	case map[string]any:
		out := make(map[string]any)
		for name, member := range p {
			value, err := r.value(member)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if value != nil {
				out[name] = value
			}
		}
		if len(out) == 0 {
			return nil, nil
		}
		return out, nil
	default:
		return p, nil
	}
}

// typed returns the value of a member that is one placeholder.
func (r *row) typed(column, form string) (any, error) {
	text, err := r.cell(column, form)
	if err != nil || text == "" {
		return nil, err
	}
	switch form {
	case "number", "operator":
		return json.Number(text), nil
	case "bool":
		value, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return nil, fmt.Errorf("column %s: must be true or false", column)
		}
		return value, nil
	default:
		return text, nil
	}
}

// fill replaces the placeholders of a text.
func (r *row) fill(pattern string) (string, error) {
	var failed error
	text := placeholder.ReplaceAllStringFunc(pattern, func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		value, err := r.cell(parts[1], parts[2])
		if err != nil {
			failed = err
		}
		return value
	})
	return text, failed
}

// moment reads a time in the layout; one of RFC 3339 says its zone itself.
func (m *Mapping) moment(text string) (time.Time, error) {
	if m.TimeLayout == time.RFC3339Nano || m.TimeLayout == time.RFC3339 {
		return schema.ParseMoment(text)
	}
	return time.ParseInLocation(m.TimeLayout, text, m.zone)
}

// idSpace is the namespace of the UUIDs derived from ids that are not UUIDs.
var idSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://parley-analytics.org/#imported"))

// cell is a value of the row in a form.
func (r *row) cell(column, form string) (string, error) {
	text := r.cells[slices.Index(r.header, column)]
	if r.mapping.FormulaGuard {
		text = unguarded(text)
	}
	text = strings.TrimSpace(text)
	if translated, there := r.mapping.Values[column][text]; there {
		text = translated
	}
	if text == "" {
		return "", nil
	}
	switch form {
	case "time":
		at, err := r.mapping.moment(text)
		if err != nil {
			return "", fmt.Errorf("column %s: must be a time like %s", column, r.mapping.TimeLayout)
		}
		return schema.TimestampOf(at).String(), nil
	case "uuid":
		if id, err := schema.ParseConversationID(text); err == nil {
			return string(id), nil
		}
		return uuid.NewSHA1(idSpace, []byte(column+"\n"+text)).String(), nil
	case "number":
		number, ok := r.mapping.number(text)
		if !ok {
			return "", fmt.Errorf("column %s: must be a decimal number%s", column, r.mapping.numberHint())
		}
		return number, nil
	case "operator":
		if n, err := strconv.ParseUint(text, 10, 53); err == nil && n > 0 {
			return strconv.FormatUint(n, 10), nil
		}
		return strconv.FormatInt(int64(source.OperatorID("imported", text)), 10), nil
	default:
		return text, nil
	}
}
