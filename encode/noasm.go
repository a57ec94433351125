//go:build !amd64 || purego

package encode

import "github.com/seed54244801/bespoke/codebook"

// Without assembly there are no vectors, and all work is left to portable Go.

func splitWhole(_ []byte, _ []uint64, _ []byte) int { return 0 }

func shiftWhole(_, _ []byte, _ uint64) int { return 0 }

func countWhole(*codebook.Histogram, []byte) int { return 0 }

func (p *packer) packWhole(c *codes, first int, _, _ []byte) int { return p.packWholeGo(c, first) }

func (p *packer) gaps(c *codes, offset uint64, gaps []byte) { p.gapsGo(c, offset, gaps) }
