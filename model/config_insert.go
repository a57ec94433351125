package model

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// insertInto returns the text of a config.json with a member added as its last one.
func insertInto(config []byte, key string, member any) ([]byte, error) {
	if len(config) == 0 {
		config = []byte("{\n}\n")
	}
	parsed, err := ParseConfig(config)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", ConfigName, err)
	}
	if there := parsed.codecKey(); there != "" {
		return nil, fmt.Errorf("model: %s has a %s already", ConfigName, there)
	}
	end := bytes.LastIndexByte(config, '}')
	body := bytes.TrimRight(config[:end], " \t\r\n")
	gap := config[len(body):end] // line break before the closing brace, empty in compact text
	value, err := json.Marshal(member)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", key, err)
	}
	var out bytes.Buffer
	out.Write(body)
	if !bytes.HasSuffix(body, []byte("{")) {
		out.WriteByte(',')
	}
	if bytes.ContainsRune(gap, '\n') {
		indent := indentOf(body)
		fmt.Fprintf(&out, "\n%s%q: ", indent, key)
		if err := json.Indent(&out, value, indent, indent); err != nil {
			return nil, fmt.Errorf("model: %s: %w", key, err)
		}
	} else {
		fmt.Fprintf(&out, "%q: %s", key, value)
	}
	out.Write(config[len(body):])
	return out.Bytes(), nil
}

// indentOf returns the white space before the first key of a JSON object.
func indentOf(object []byte) string {
	const standard = "  "
	_, rest, found := bytes.Cut(object, []byte("\n"))
	if !found {
		return standard
	}
	indent := rest[:len(rest)-len(bytes.TrimLeft(rest, " \t"))]
	if len(indent) == 0 {
		return standard
	}
	return string(indent)
}
