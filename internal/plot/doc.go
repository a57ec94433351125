// Package plot draws the exponents of a model, why it compresses at a glance, and figures as bars.
//
// [Write] draws two panels over one axis. The upper one shows how often each exponent occurs; the lower
// one the length of its code, beside the length that would be ideal (minus the logarithm of the share)
// and the eight bits that bfloat16 spends on every exponent.
//
// [WriteBars] draws groups of bars.
package plot
