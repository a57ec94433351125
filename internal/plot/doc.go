// Package plot draws the exponents of a model, to show at a glance why it compresses, and figures as bars.
//
// [Write] draws two panels over one axis. The upper one shows how often each exponent occurs. The lower one shows
// the length of its code, the ideal length (minus the logarithm of the share), and the eight bits that bfloat16
// spends on every exponent.
//
// [WriteBars] draws groups of bars.
package plot
