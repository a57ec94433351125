package model

import (
	"fmt"
	"regexp/syntax"
)

// The limits on what a model may contain. They are far above what any model has, and keep time and memory in
// proportion to the size of its files.
const (
	// maxName bounds the name of a tensor, in bytes.
	maxName = 4096
	// maxNames bounds the names that the weights of units get, in bytes. A pattern holds attributes once, and each
	// unit that it matches makes names of them.
	maxNames = 256 << 20
	// maxPath bounds the path of a file within a model's folder, in bytes. Longer paths do not exist on Linux.
	maxPath = 4096
	// maxRank bounds the dimensions of a tensor.
	maxRank = 64
	// maxTensors bounds the tensors of a file and the weights of all units. maxModules bounds the modules of a
	// checkpoint. A mixture of 61 layers with 384 experts has 100,000.
	maxTensors = 1 << 20
	maxModules = 1 << 20
	// maxPatterns bounds the entries of a pattern_dict and the attributes of each. maxPatternBytes bounds the text
	// of its regular expressions, some of which list thousands of names.
	maxPatterns     = 1 << 14
	maxPatternBytes = 16 << 20
	// maxProgram bounds the instructions that the regular expressions of a pattern_dict compile to. Lists of names
	// do not count. maxMatching bounds the work of matching: instructions times bytes of names, and 1 for each
	// pattern that a name is compared with.
	maxProgram  = 20_000
	maxMatching = 1 << 31
	// maxMissing bounds the work of looking for what is missing, in bytes of names that are looked at. A byte of a
	// name that is listed counts as missingWork bytes, and so does each name that is made up. So a list has 8 MiB
	// at most. It also has no more than a 64th of that plus twice the bytes of the names that are there.
	maxMissing  = 1 << 28
	missingWork = 32
)

// checkTensor checks the description of a tensor against the limits.
func checkTensor(t *Tensor) error {
	if len(t.Name) > maxName {
		return fmt.Errorf("name of %d bytes, max %d", len(t.Name), maxName)
	}
	if len(t.Shape) > maxRank {
		return fmt.Errorf("%d dimensions, max %d", len(t.Shape), maxRank)
	}
	return nil
}

// programSize returns an upper bound, a rough one, of the instructions that a parsed regular expression compiles
// to. If the bound exceeds limit, it returns more than limit.
func programSize(re *syntax.Regexp, limit int) int {
	size := 1
	switch re.Op {
	case syntax.OpLiteral:
		size = len(re.Rune)
	case syntax.OpCharClass:
		size = 1 + len(re.Rune)/2
	}
	for _, sub := range re.Sub {
		if size += 2 + programSize(sub, limit); size > limit {
			return limit + 1
		}
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1) // at most 1000 each, which the parser sees to
	}
	return min(size, limit+1)
}
