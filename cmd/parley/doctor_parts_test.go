package main

import (
	"strings"
	"testing"
)

func TestDoctorSaysHowManyPartsOverlap(t *testing.T) {
	const project = 7821
	i := start(t, t.TempDir())
	i.post(t, chats(project, 0, 10, 0)...)
	waitForEvents(t, i, project, 20)
	for _, statement := range []string{
		"OPTIMIZE TABLE parley_1.conversations FINAL",
		"SYSTEM STOP MERGES parley_1.conversations",
	} {
		i.execute(t, statement)
	}
	if found := i.want(t, exitOK, "doctor"); !strings.Contains(found, "ok    parts: ") || strings.Contains(found, "conversations 2 of 2") {
		t.Error(found)
	}
	i.execute(t, "INSERT INTO parley_1.conversations SELECT * FROM parley_1.conversations FINAL")
	if found := i.want(t, exitOK, "doctor"); !strings.Contains(found, "overlap: ") || !strings.Contains(found, "conversations 2 of 2") {
		t.Error(found)
	}
}
