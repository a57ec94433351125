// Package runtime opens DF11 checkpoints and decodes them, with a generated kernel or without.
package runtime
