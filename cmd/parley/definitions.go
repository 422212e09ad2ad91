package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parley-analytics/parley/deploy/atomicfile"
	"github.com/parley-analytics/parley/query/semantic"
)

// definitionsCommand is about what figures mean.
type definitionsCommand struct {
	Export definitionsExport `cmd:"" help:"Export the definitions of all figures."`
}

type definitionsExport struct {
	Format string `help:"json, markdown, dbt (models, semantic models and metrics), osi (Open Semantic Interchange) or odcs (data contract)." enum:"json,markdown,dbt,osi,odcs" default:"json"`
	Server string `help:"Address of ClickHouse's HTTP interface, named in the data contract." default:"127.0.0.1:8123" placeholder:"HOST:PORT"`
	Out    string `help:"Output file, or for dbt the folder of models. Defaults to standard output; required for dbt." type:"path" placeholder:"PATH"`
}

// Run needs no running parley: the definitions are part of the binary.
func (c *definitionsExport) Run(a *app) error {
	host, digits, err := net.SplitHostPort(c.Server)
	if err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return errors.New("--server: the port must be a number from 0 to 65535")
	}
	files, err := semantic.Export(c.Format, semantic.Server{Host: host, Port: int(port)})
	if err != nil {
		return err
	}
	if c.Format != "dbt" {
		return toFile(a.stdout, c.Out, func(out io.Writer) error {
			_, err := out.Write(files[0].Content)
			return err
		})
	}
	if c.Out == "" || c.Out == "-" {
		return errors.New("--out is required with --format dbt: name the folder of models of a dbt project")
	}
	for _, file := range files {
		path := filepath.Join(c.Out, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		err := atomicfile.Stream(path, func(out io.Writer) error {
			_, err := out.Write(file.Content)
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, path)
	}
	return nil
}
