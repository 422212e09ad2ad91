package sink

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/chpool"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector/fold/cells"
)

// rowBlock is the rows of one insert in the Native format: read as a whole it is the
// body of a request over HTTP; the native protocol takes it column by column.
type rowBlock struct {
	bytes.Reader
	rows    int
	columns []written
}

// rewind makes a block ready to be sent, also again.
func (b *rowBlock) rewind() { _, _ = b.Seek(0, io.SeekStart) }

// written is a column of a block, and implements a column of ch-go.
type written struct {
	name, kind string
	rows       int
	data       []byte
}

// Type is the type of the column in ClickHouse.
func (w written) Type() proto.ColumnType { return proto.ColumnType(w.kind) }

// Rows is the number of cells.
func (w written) Rows() int { return w.rows }

// EncodeColumn copies the cells.
func (w written) EncodeColumn(b *proto.Buffer) { b.PutRaw(w.data) }

// WriteColumn passes the cells on.
func (w written) WriteColumn(to *proto.Writer) { to.ChainWrite(w.data) }

// blockOf writes rows into b, from its beginning, and returns b, grown if necessary. clickhouse-go sends
// it over HTTP; ch-go sends the same block over the native protocol, which clickhouse-go cannot. Several rows of more than most bytes are refused with [cells.ErrLarge].
func blockOf[R any](b []byte, columns []cells.Column[R], rows []R, most int) (*rowBlock, []byte, error) {
	block, b, err := cells.Encode(b, columns, rows, most)
	if err != nil {
		return nil, b, err
	}
	made := &rowBlock{rows: block.Rows}
	made.Reset(b)
	for _, c := range block.Columns {
		made.columns = append(made.columns, written{c.Name, c.Kind, block.Rows, c.Data})
	}
	return made, b, nil
}

// native is a connection over the native protocol, over which clickhouse-go cannot send prepared blocks.
type native struct {
	driver.Conn
	blocks *chpool.Pool
}

// overNative adds sending of blocks to a connection.
func overNative(ctx context.Context, conn driver.Conn, options *clickhouse.Options) (driver.Conn, error) {
	settings := make([]ch.Setting, 0, len(options.Settings))
	for name, value := range options.Settings {
		settings = append(settings, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	pool, err := chpool.New(ctx, chpool.Options{
		MaxConns: connections, MaxConnLifetime: connectionLife,
		ClientOptions: ch.Options{
			Address: options.Addr[0], Dialer: dialer{options.Addr, options.TLS}, DialTimeout: options.DialTimeout,
			Database: options.Auth.Database, User: options.Auth.Username, Password: options.Auth.Password,
			Settings: settings, Compression: ch.CompressionLZ4, ReadTimeout: insertTimeout,
		},
	})
	if err != nil {
		return nil, err
	}
	return native{conn, pool}, nil
}

// dialer dials the first of several addresses that answers, with TLS if it is configured: ch-go could do that only with
// one address.
type dialer struct {
	addresses []string
	tls       *tls.Config
}

// DialContext implements ch.Dialer.
func (d dialer) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	dial := new(net.Dialer).DialContext
	if d.tls != nil {
		dial = (&tls.Dialer{Config: d.tls}).DialContext
	}
	var failures []error
	for _, address := range d.addresses {
		conn, err := dial(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// InsertFormat sends a block.
func (n native) InsertFormat(ctx context.Context, _, statement string, data io.Reader) error {
	b, ok := data.(*rowBlock)
	if !ok {
		return clickhouse.ErrFormatNativeUnsupported
	}
	input := make(proto.Input, len(b.columns))
	for i, c := range b.columns {
		input[i] = proto.InputColumn{Name: c.name, Data: c}
	}
	err := n.blocks.Do(ctx, ch.Query{Body: statement + " VALUES", Input: input})
	var exception *ch.Exception
	if errors.As(err, &exception) {
		return &clickhouse.Exception{Code: int32(exception.Code), Name: exception.Name, Message: exception.Message}
	}
	return err
}

// Close ends all connections.
func (n native) Close() error {
	n.blocks.Close()
	return n.Conn.Close()
}
