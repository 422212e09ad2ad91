package transport

import (
	"mime"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/schema/endpoint"
)

// The media types of an answer.
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
	mediaEvents   = "text/event-stream" // the graphql-sse protocol
)

// acceptable picks the media type of the answer from the Accept fields: the one
// with the highest weight, the more closely named one among equals, the first
// of those. Wildcards and no field at all mean application/json. Empty when
// none of the types is wanted.
func acceptable(fields []string) string {
	if len(fields) == 0 {
		return mediaJSON
	}
	weights := map[string]preference{}
	order := 0
	for _, item := range strings.Split(strings.Join(fields, ","), ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		p, media, ok := parsePreference(item)
		if !ok {
			continue
		}
		p.order = order
		order++
		for _, offered := range matches(media) {
			// The most closely named range decides about a type.
			if known, ok := weights[offered]; !ok || p.closeness > known.closeness {
				weights[offered] = p
			}
		}
	}
	if order == 0 {
		return mediaJSON // Accept without a value
	}
	best, chosen := preference{}, ""
	for _, offered := range []string{mediaJSON, mediaResponse, mediaEvents} {
		p, ok := weights[offered]
		if ok && p.quality > 0 && (chosen == "" || p.better(best)) {
			best, chosen = p, offered
		}
	}
	return chosen
}

type preference struct {
	quality   float64
	closeness int // 2 named, 1 application/*, 0 */*
	order     int
}

func (p preference) better(q preference) bool {
	switch {
	case p.quality != q.quality:
		return p.quality > q.quality
	case p.closeness != q.closeness:
		return p.closeness > q.closeness
	}
	return p.order < q.order
}

func parsePreference(item string) (p preference, media string, ok bool) {
	media, parameters, err := mime.ParseMediaType(item)
	if err != nil {
		return p, "", false
	}
	p.quality = 1
	if q, given := parameters["q"]; given {
		if p.quality, err = strconv.ParseFloat(q, 64); err != nil || p.quality < 0 || p.quality > 1 {
			return p, "", false
		}
	}
	if charset, given := parameters["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return p, "", false
	}
	switch media {
	case "*/*":
	case "application/*":
		p.closeness = 1
	default:
		p.closeness = 2
	}
	return p, media, true
}

// matches returns the types on offer that a range names.
func matches(media string) []string {
	switch media {
	case mediaJSON, mediaResponse, mediaEvents:
		return []string{media}
	case "*/*", "application/*":
		return []string{mediaJSON, mediaResponse}
	}
	// iAdvize's clients ask for fields under preview like this; those of Parley need no such type.
	if strings.HasPrefix(media, "application/vnd.iadvize.") && strings.HasSuffix(media, "-preview+json") {
		return []string{mediaJSON}
	}
	return nil
}

// isJSON reports whether a Content-Type is JSON in UTF-8.
func isJSON(contentType string) bool {
	media, ok := endpoint.MediaType(contentType)
	return ok && media == mediaJSON
}
