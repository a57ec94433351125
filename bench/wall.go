package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// wall is the time that whole checkpoints take, beside cp of the same files.
type wall struct {
	Model      string    `json:"model"`
	ModelBytes int64     `json:"model_bytes"`
	Processors int       `json:"processors"`
	Rounds     int       `json:"rounds"`
	Runs       []wallRun `json:"runs"`
}

// wallRun is one command. Its figures are medians.
type wallRun struct {
	Name          string     `json:"name"`
	Seconds       float64    `json:"seconds"`
	Quartiles     [2]float64 `json:"quartiles"`
	CopyRatio     float64    `json:"cp_ratio"`
	PeakAnonymous int64      `json:"peak_anonymous_bytes"`
}

func readWall(path string) (*wall, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	w := new(wall)
	if err := json.Unmarshal(text, w); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}
