package main

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// host is a name or address with a port, as far as it matters here.
const host = `[^:\[\]]*(\[[^\]]*\])?(:([0-9]*|PORT))?`

var (
	schemes = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://`)
	// hosts are what follows the credentials of an address. A password with an unescaped / ? or # is taken for a port.
	hosts = regexp.MustCompile(`^` + host + `(,` + host + `)*$`)
	// schemeless is how net/http and net/url quote an address that lacks its scheme, up to the end of its credentials.
	schemeless = regexp.MustCompile(`((?:parse|Get|Post|Put|Delete|Head) ")[^"/?#]*@`)
	// badAddress is what net/url quotes of an address that it cannot parse, which may be a piece of a password.
	badAddress = regexp.MustCompile(`invalid (port|URL escape) "(?:[^"\\]|\\.)*"`)
)

// withoutSecrets returns a text without what addresses in it may keep secret: credentials, and parameters, which also hold the values of a
// ClickHouse statement. Of an address whose host cannot be told from a password, the scheme is left. Errors of HTTP and NATS clients quote
// whole addresses, so every error that is printed or logged is written through it.
func withoutSecrets(text string) string {
	var out strings.Builder
	for {
		at := schemes.FindStringIndex(text)
		if at == nil {
			break
		}
		out.WriteString(text[:at[1]])
		before, after := text[:at[0]], text[at[1]:]
		address := after
		if quotes := "\"'`"; before != "" && strings.Contains(quotes, before[len(before)-1:]) {
			address, _, _ = strings.Cut(after, before[len(before)-1:])
		} else {
			if end := strings.IndexAny(after, " \t\r\n"+quotes); end >= 0 {
				address = after[:end]
			}
			address = strings.TrimRight(address, ":;,.)")
		}
		if next := schemes.FindStringIndex(address); next != nil && next[0] > 0 && address[next[0]-1] == ',' {
			address = address[:next[0]-1] // of a list
		}
		out.WriteString(withoutCredentials(address))
		text = after[len(address):]
	}
	out.WriteString(text)
	return schemeless.ReplaceAllString(badAddress.ReplaceAllString(out.String(), "invalid $1"), "$1")
}

// withoutCredentials returns what is shown of an address behind its scheme.
func withoutCredentials(address string) string {
	name, rest := address, ""
	if n := strings.IndexAny(address, "/?#"); n >= 0 {
		name, rest = address[:n], address[n:]
	}
	name = name[strings.LastIndexByte(name, '@')+1:]
	path, _, more := strings.Cut(strings.ReplaceAll(rest, "#", "?"), "?")
	switch {
	case !hosts.MatchString(name):
		return "…"
	case strings.Contains(path, "@"):
		return name + "/…"
	case more:
		return name + path + "?…"
	}
	return name + path
}

// reason writes an error on one line.
func reason(err error) string {
	return printable(withoutSecrets(strings.ReplaceAll(err.Error(), "\n", "; ")))
}

// loggable is the ReplaceAttr of log handlers.
func loggable(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(withoutSecrets(v))
	case error:
		a.Value = slog.StringValue(withoutSecrets(fmt.Sprint(v)))
	}
	return a
}
