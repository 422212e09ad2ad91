package semantic

import (
	"embed"
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/schema/clickhouse"
	"github.com/parley-analytics/parley/schema/definition"
)

//go:embed checks/*.sql
var checks embed.FS

// The parts of a data contract, as the Open Data Contract Standard names them.
type (
	dataContract struct {
		APIVersion  string            `yaml:"apiVersion"`
		Kind        string            `yaml:"kind"`
		ID          string            `yaml:"id"`
		Name        string            `yaml:"name"`
		Version     string            `yaml:"version"`
		Status      string            `yaml:"status"`
		Description map[string]string `yaml:"description"`
		Servers     []contractServer  `yaml:"servers"`
		Schema      []object          `yaml:"schema"`
	}
	contractServer struct {
		Server   string `yaml:"server"`
		Type     string `yaml:"type"`
		Host     string `yaml:"host"`
		Port     int    `yaml:"port"`
		Database string `yaml:"database"`
	}
	object struct {
		Name         string     `yaml:"name"`
		PhysicalName string     `yaml:"physicalName"`
		PhysicalType string     `yaml:"physicalType"`
		LogicalType  string     `yaml:"logicalType"`
		Description  string     `yaml:"description"`
		Properties   []property `yaml:"properties"`
		Quality      []quality  `yaml:"quality"`
	}
	property struct {
		Name               string            `yaml:"name"`
		LogicalType        string            `yaml:"logicalType"`
		PhysicalType       string            `yaml:"physicalType"`
		Description        string            `yaml:"description"`
		Required           bool              `yaml:"required"`
		PrimaryKey         bool              `yaml:"primaryKey,omitempty"`
		PrimaryKeyPosition int               `yaml:"primaryKeyPosition,omitempty"`
		Items              map[string]string `yaml:"items,omitempty"`
	}
	quality struct {
		Name           string `yaml:"name"`
		Description    string `yaml:"description"`
		Type           string `yaml:"type"`
		Dimension      string `yaml:"dimension"`
		Query          string `yaml:"query,omitempty"`
		MustBe         *int   `yaml:"mustBe,omitempty"`
		Engine         string `yaml:"engine,omitempty"`
		Implementation string `yaml:"implementation,omitempty"`
	}
)

// contract is the data contract of the stable views.
func contract(at Server) dataContract {
	c := dataContract{
		APIVersion: "v3.1.0", Kind: "DataContract", ID: "parley", Name: "Parley", Status: "active",
		Version: fmt.Sprintf("%d.0.0", definition.Read().Version),
		Description: map[string]string{
			"purpose": "Conversations, contacts and what belongs to them, computed from a log of events",
			"usage":   "Read with ClickHouse's HTTP interface as the BI user. Figures are defined by `parley definitions export --format json`",
		},
		Servers: []contractServer{{Server: "parley", Type: "clickhouse", Host: at.Host, Port: at.Port, Database: clickhouse.ViewDatabase}},
	}
	for _, t := range definition.Tables() {
		o := object{
			Name: t.Name, PhysicalName: t.Name, PhysicalType: "view", LogicalType: "object", Description: t.Comment,
			Quality: append(sqlChecks(t.Name), unique(t)),
		}
		for _, column := range t.Columns {
			p := property{
				Name: column.Name, LogicalType: logicalType(column.Type), PhysicalType: column.Type, Description: column.Comment,
				Required: !strings.Contains(column.Type, "Nullable("),
			}
			if p.LogicalType == "array" {
				p.Required, p.Items = true, map[string]string{"logicalType": logicalType(strings.TrimSuffix(strings.TrimPrefix(column.Type, "Array("), ")"))}
			}
			for i, name := range t.Key {
				if name == column.Name {
					p.PrimaryKey, p.PrimaryKeyPosition = true, i+1
				}
			}
			o.Properties = append(o.Properties, p)
		}
		c.Schema = append(c.Schema, o)
	}
	c.Schema[0].Quality = append(c.Schema[0].Quality, quality{
		Name: "verify", Description: "Every row equals what the log's events give when they are folded again", Type: "custom", Dimension: "accuracy",
		Engine: "parley", Implementation: "parley verify",
	})
	return c
}

// unique checks that no key has two rows.
func unique(t definition.Table) quality {
	template, err := checks.ReadFile("checks/unique.sql")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return checked(t.Name+"_unique", "uniqueness", strings.NewReplacer("$table", clickhouse.ViewDatabase+"."+t.Name, "$key", strings.Join(t.Key, ", ")).Replace(string(template)))
}

// sqlChecks are the checks whose names begin with the table's.
func sqlChecks(table string) []quality {
	entries, err := checks.ReadDir("checks")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	var list []quality
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".sql")
		if !strings.HasPrefix(name, table+"_") {
			continue
		}
		text, err := checks.ReadFile("checks/" + entry.Name())
		if err != nil {
			panic(err)
		}
		list = append(list, checked(name, "consistency", string(text)))
	}
	return list
}

// checked is a check that counts wrong rows. The first line of its file says which.
func checked(name, dimension, text string) quality {
	comment, query, _ := strings.Cut(text, "\n")
	return quality{
		Name: name, Description: strings.TrimPrefix(comment, "-- "), Type: "sql", Dimension: dimension,
		Query: strings.TrimSpace(query), MustBe: new(int),
	}
}
