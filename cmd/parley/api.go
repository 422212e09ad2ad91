package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/query/auth"
)

// apiOf returns where a command sends requests and with which key. Defaults are the
// address of the serve on the data dir and its admin key.
func apiOf(dir, url, keyFile string) (address string, key auth.Key, err error) {
	if url == "" {
		e, err := engines.Running(dir)
		if err != nil {
			return "", key, err
		}
		url = e.HTTP
	}
	if keyFile == "" {
		keyFile = filepath.Join(dir, adminKeyName)
	}
	key, err = readKey(keyFile)
	return url, key, err
}

// readKey reads a key as `key add` prints it.
func readKey(path string) (auth.Key, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return auth.Key{}, fmt.Errorf("the key (--key-file): %w", err)
	}
	var key auth.Key
	if err := json.Unmarshal(content, &key); err != nil || key.ID == "" || key.Secret == "" {
		return auth.Key{}, fmt.Errorf("%s is not a key file: it must be {\"id\": …, \"secret\": …}, as `parley key add` prints it", path)
	}
	return key, nil
}
