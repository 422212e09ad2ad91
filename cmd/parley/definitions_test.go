package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// definitions runs `parley definitions export`, which has no data dir.
func definitions(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, append([]string{"definitions", "export"}, arguments...)...).Output()
	return string(out), err
}

// TestTheDataContractHolds runs each check of the exported contract as the BI user.
func TestTheDataContractHolds(t *testing.T) {
	i := running(t)
	i.post(t,
		`{"specversion":"1.0","id":"dc1","source":"shop","type":"parley.conversation.pushed.v1","time":"2024-03-01T11:00:01Z","subject":"7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a77","projectid":77019,"data":{"toUser":{"id":42,"kind":"PROFESSIONAL","name":"Ada"}}}`,
		`{"specversion":"1.0","id":"dc2","source":"shop","type":"parley.conversation.snoozed.v1","time":"2024-03-01T11:00:05Z","subject":"7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a77","projectid":77019,"data":{}}`)
	eventually(t, func() error {
		if n := i.number(t, "SELECT count() FROM events WHERE project_id = 77019"); n != 2 {
			return fmt.Errorf("%d of 2 events are archived", n)
		}
		return nil
	})
	out, err := definitions(t, "--format", "odcs", "--server", "clickhouse.example:8124")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Servers []struct {
			Host string
			Port int
		}
		Schema []struct {
			Name       string
			Properties []struct{ Name string }
			Quality    []struct{ Name, Type, Query string }
		}
	}
	if err := yaml.Unmarshal([]byte(out), &contract); err != nil {
		t.Fatal(err)
	}
	if s := contract.Servers[0]; s.Host != "clickhouse.example" || s.Port != 8124 {
		t.Errorf("server is %+v", s)
	}
	checked := 0
	for _, table := range contract.Schema {
		for _, check := range table.Quality {
			if check.Type != "sql" {
				continue
			}
			checked++
			// Rows are written before the archive: a batch may be between the two.
			eventually(t, func() error {
				if n := i.number(t, check.Query); n != 0 {
					return fmt.Errorf("%s counts %d rows that are wrong", check.Name, n)
				}
				return nil
			})
		}
	}
	if checked < 10 {
		t.Errorf("only %d checks", checked)
	}
}

func TestDefinitionsAreExportedForDbt(t *testing.T) {
	if out, err := definitions(t, "--format", "dbt"); err == nil {
		t.Errorf("without a folder: %s", out)
	}
	folder := filepath.Join(t.TempDir(), "models")
	if _, err := definitions(t, "--format", "dbt", "--out", folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"parley.yml", "parley_contacts.sql", "parley_conversations.sql", "parley_time_spine.sql", "parley_transactions.sql"} {
		if _, err := os.Stat(filepath.Join(folder, "parley", name)); err != nil {
			t.Error(err)
		}
	}
}
