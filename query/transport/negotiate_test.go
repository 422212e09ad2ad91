package transport

import "testing"

func TestAcceptPicksTheMediaType(t *testing.T) {
	for _, c := range []struct {
		accept []string
		want   string
	}{
		{nil, mediaJSON},
		{[]string{""}, mediaJSON},
		{[]string{"*/*"}, mediaJSON},
		{[]string{"application/*"}, mediaJSON},
		{[]string{"application/json"}, mediaJSON},
		{[]string{"Application/JSON; charset=UTF-8"}, mediaJSON},
		{[]string{"application/graphql-response+json"}, mediaResponse},
		{[]string{"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"}, mediaResponse},
		{[]string{"application/graphql-response+json, application/json;q=0.9"}, mediaResponse},
		{[]string{"application/graphql-response+json;q=0.5, application/json"}, mediaJSON},
		{[]string{"application/json, application/graphql-response+json"}, mediaJSON},
		{[]string{"application/json", "application/graphql-response+json"}, mediaJSON},
		{[]string{"*/*;q=0.1, application/graphql-response+json"}, mediaResponse},
		{[]string{"*/*, application/graphql-response+json"}, mediaResponse},
		{[]string{"application/json;q=0, */*"}, mediaResponse},
		{[]string{"text/html, application/xhtml+xml, */*;q=0.8"}, mediaJSON},
		{[]string{"application/vnd.iadvize.closing-forms-preview+json"}, mediaJSON},
		{[]string{"Application/vnd.iAdvize.a-preview+JSON; charset=utf-8", "application/vnd.iadvize.b-preview+json"}, mediaJSON},
		{[]string{"application/vnd.iadvize.a-preview+json, application/graphql-response+json;q=0.9"}, mediaJSON},
		{[]string{"application/vnd.iadvize.a-preview+json;q=0.5, application/graphql-response+json"}, mediaResponse},
		{[]string{"application/vnd.iadvize.a+json"}, ""},
		{[]string{"application/vnd.github.a-preview+json"}, ""},
		{[]string{"text/html"}, ""},
		{[]string{"application/json;q=0"}, ""},
		{[]string{"application/json; charset=iso-8859-1"}, mediaJSON}, // nothing usable is requested: as without Accept
		{[]string{"application/graphql-response+json;q=7"}, mediaJSON},
	} {
		if got := acceptable(c.accept); got != c.want {
			t.Errorf("%q gives %q, want %q", c.accept, got, c.want)
		}
	}
}
