package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/parley-analytics/parley/projector/tables"
)

// ErrNoHTTP is the error of an export as Parquet from a server that is spoken to over
// the native protocol.
var ErrNoHTTP = errors.New("needs the HTTP protocol of ClickHouse")

// parquetEnd ends every Parquet file.
const parquetEnd = "PAR1"

// ExportParquet lets the server write an export as a Parquet file. The credentials
// go to this server only: redirects are not followed. After an error, what was
// written is not a whole file.
func (s Server) ExportParquet(ctx context.Context, e tables.Export, to io.Writer) error {
	if !strings.HasPrefix(s.URL, "http://") && !strings.HasPrefix(s.URL, "https://") {
		return ErrNoHTTP
	}
	query, statement := e.Parquet()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.URL, "/")+"/?"+query.Encode(), strings.NewReader(statement))
	if err != nil {
		return err
	}
	request.Header.Set("X-ClickHouse-User", s.User)
	request.Header.Set("X-ClickHouse-Key", s.Password)
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: s.TLS}
	defer transport.CloseIdleConnections()
	server := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := server.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 200)) // the status says enough
		return fmt.Errorf("ClickHouse answered %s: %s", response.Status, strings.ToValidUTF8(strings.Join(strings.Fields(string(text)), " "), ""))
	}
	tail := &lastBytes{}
	if _, err := io.Copy(io.MultiWriter(to, tail), response.Body); err != nil {
		return err
	}
	if !bytes.HasSuffix(tail.bytes, []byte(parquetEnd)) {
		return errors.New("ClickHouse did not finish the file")
	}
	return nil
}

// lastBytes remembers how a stream ended.
type lastBytes struct{ bytes []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	n := len(parquetEnd)
	l.bytes = append(l.bytes, p[max(0, len(p)-n):]...)
	l.bytes = l.bytes[max(0, len(l.bytes)-n):]
	return len(p), nil
}
