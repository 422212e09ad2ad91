// Package sink writes the projector's rows into ClickHouse and reads archived
// events back.
package sink
