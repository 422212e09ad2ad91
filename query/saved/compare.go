package saved

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Difference is a value that two answers do not have in common. A missing value is "".
type Difference struct {
	Path        string // for example metrics.buckets[from=2026-03-01T00:00:00.000Z].csat
	Then, Today string // JSON
}

// Compare returns the differences between two answers, in their order.
func Compare(then, today []byte) ([]Difference, error) {
	var values [2]any
	for i, answer := range [][]byte{then, today} {
		decoder := json.NewDecoder(bytes.NewReader(answer))
		decoder.UseNumber() // all digits count
		if err := decoder.Decode(&values[i]); err != nil {
			return nil, fmt.Errorf("an answer is not JSON: %w", err)
		}
	}
	return compare("", values[0], values[1]), nil
}

// nothing is a value that an answer does not have.
type nothing struct{}

func compare(path string, then, today any) []Difference {
	var list []Difference
	switch was := then.(type) {
	case map[string]any:
		if is, ok := today.(map[string]any); ok {
			for _, name := range union(slices.Sorted(maps.Keys(was)), slices.Sorted(maps.Keys(is))) {
				below := name
				if path != "" {
					below = path + "." + name
				}
				list = append(list, compare(below, member(was, name), member(is, name))...)
			}
			return list
		}
	case []any:
		if is, ok := today.([]any); ok {
			x, y := named(was), named(is)
			for _, name := range union(x.names, y.names) {
				list = append(list, compare(path+"["+name+"]", member(x.values, name), member(y.values, name))...)
			}
			return list
		}
	}
	if x, y := text(then), text(today); x != y {
		list = append(list, Difference{path, x, y})
	}
	return list
}

func member(of map[string]any, name string) any {
	if value, ok := of[name]; ok {
		return value
	}
	return nothing{}
}

// union returns the names of both lists, those of the first one first.
func union(x, y []string) []string {
	all, known := slices.Clone(x), make(map[string]bool, len(x))
	for _, name := range x {
		known[name] = true
	}
	for _, name := range y {
		if !known[name] {
			all = append(all, name)
		}
	}
	return all
}

func text(value any) string {
	if value == (nothing{}) {
		return ""
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // it comes from JSON
	}
	return string(encoded)
}

// elements are those of a list, by names.
type elements struct {
	names  []string
	values map[string]any
}

// named names the elements of a list by what identifies them; by their places, if that is not unique.
func named(list []any) elements {
	e := elements{values: map[string]any{}}
	for _, element := range list {
		name := nameOf(element)
		if _, taken := e.values[name]; taken || name == "" {
			return placed(list)
		}
		e.names, e.values[name] = append(e.names, name), element
	}
	return e
}

func placed(list []any) elements {
	e := elements{values: map[string]any{}}
	for i, element := range list {
		name := fmt.Sprint(i)
		e.names, e.values[name] = append(e.names, name), element
	}
	return e
}

// nameOf returns what identifies an object: its step and dimensions, its id, that of its node, or its currency.
func nameOf(element any) string {
	object, ok := element.(map[string]any)
	if !ok {
		return ""
	}
	if node, ok := object["node"].(map[string]any); ok {
		object = node
	}
	if conversation, ok := object["conversation"].(map[string]any); ok && object["id"] == nil {
		object = conversation
	}
	name := ""
	for _, part := range []string{"from", "dimensions", "id", "currency"} {
		if value := object[part]; value != nil {
			if name != "" {
				name += " "
			}
			name += part + "=" + words(value)
		}
	}
	return name
}

// words writes a value without quotes, and dimensions as name:value.
func words(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		all := ""
		for i, element := range v {
			if i > 0 {
				all += ","
			}
			d, _ := element.(map[string]any)
			all += words(d["name"]) + ":" + words(d["value"])
		}
		return all
	}
	return text(value)
}
