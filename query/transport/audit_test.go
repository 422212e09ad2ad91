package transport_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The audit suite of the npm package graphql-http: every MUST, SHOULD and MAY.
// `npm ci` in testdata/audit fetches it (`make test` does).
func TestTheGraphQLOverHTTPAuditSuitePasses(t *testing.T) {
	if _, err := os.Stat("testdata/audit/node_modules/graphql-http"); err != nil {
		t.Fatal("the audit suite is missing: run `npm ci` in query/transport/testdata/audit")
	}
	server := httptest.NewServer(newRig(t).handler)
	defer server.Close()
	command := exec.CommandContext(t.Context(), "node", "audit.mjs", server.URL+"/graphql")
	command.Dir = "testdata/audit"
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, complaints.String())
	}
	audits := 0
	for line := range bytes.Lines(out) {
		var audit struct{ ID, Name, Status, Reason string }
		if err := json.Unmarshal(line, &audit); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		audits++
		if audit.Status != "ok" {
			t.Errorf("%s %s: %s: %s", audit.ID, audit.Name, audit.Status, audit.Reason)
		}
	}
	if audits < 61 {
		t.Errorf("only %d audits ran", audits)
	}
}
