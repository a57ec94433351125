package main

import (
	"errors"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/model"
)

// hintFor returns what to add to the line of an error: the flag that goes on nevertheless.
func hintFor(err error) string {
	_, index := errors.AsType[*model.WeightMapError](err)
	_, missing := errors.AsType[*model.MissingError](err)
	switch {
	case errors.Is(err, checkpoint.ErrOutputExists):
		return ", --force replaces it"
	case errors.Is(err, checkpoint.ErrUnknownFile):
		return "; --skip-unknown-files leaves such files out"
	case index:
		return "; --ignore-index takes the folder without its index"
	case missing:
		return "; --incomplete goes on with what is there"
	}
	return ""
}
