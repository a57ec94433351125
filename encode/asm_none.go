//go:build !amd64 || purego

package encode

import "github.com/seed54244801/bespoke/codebook"

func countWhole(h *codebook.Histogram, b []byte) int { return 0 }

func splitWhole(weights, exponents, signMantissa []byte) int { return 0 }

func (p *packer) packWhole(c *codes, first int) int { return p.packWholeGo(c, first) }

func shiftWhole(dst, src []byte, shift uint64) int { return 0 }

func (p *packer) gaps(c *codes, offset uint64, gaps []byte) { p.gapsGo(c, offset, gaps) }
