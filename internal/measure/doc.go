// Package measure times things that compete on a machine that is shared: round by round, all of them
// within each round, with a look at the state of the machine beside every single measurement. Start
// with [Run].
//
// # Why rounds
//
// The speed of a shared core changes by tens of percent from one second to the next. What is measured
// one after the other meets different machines. Within a round the contenders take turns on the same
// piece of work, some milliseconds each, so that the ratio of two of them in one round is worth more
// than that of their best or mean times; of many rounds the median and the quartiles are reported.
//
// # Quiet rounds
//
// Before and after each measurement a [Probe] runs: independent additions that fit the registers and
// use all that a core has to compute with. A neighbour on the other hardware thread of the core shows
// there at once, as it shows in a decoder, while copying memory hardly notices. A measurement is quiet
// when the slower of its two probes took at most 1.2 times as long as the fastest probes of the run
// did (their 2 % quantile). Nothing else decides. Every second round waits for such moments and repeats
// what was disturbed, since they may be rare and short; it counts for the quiet figures alone. Where no
// moment of a run was undisturbed this cannot be known: the time of the fastest probes is reported, so
// that runs can be compared.
package measure
