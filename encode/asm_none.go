//go:build !amd64 || purego

package encode

func splitWhole(weights, exponents, signMantissa []byte) int { return 0 }

func (p *packer) groups(c *codes, first int) int { return p.groupsGo(c, first) }
