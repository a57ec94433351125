package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// wall is what scripts/wall writes: how long whole checkpoints take beside cp.
type wall struct {
	Model      string `json:"model"`
	ModelBytes int64  `json:"model_bytes"`
	Processors int    `json:"processors"`
	Rounds     int    `json:"rounds"`
	Runs       []struct {
		Name          string     `json:"name"`
		Seconds       float64    `json:"seconds"`
		Quartiles     [2]float64 `json:"quartiles"`
		CopyRatio     float64    `json:"cp_ratio"`
		PeakAnonymous int64      `json:"peak_anonymous_bytes"`
	} `json:"runs"`
}

// readWall adds the file to the report if it is there.
func (r *report) readWall(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		r.Missing = append(r.Missing, missing{What: "whole files", Reason: "no " + path + "; scripts/wall writes it"})
		return nil
	}
	if err != nil {
		return err
	}
	r.Wall = new(wall)
	if err := json.Unmarshal(text, r.Wall); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
