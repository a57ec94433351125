// Package measure times contenders on a shared machine. It works in rounds with all contenders in each round, and
// looks at the state of the machine beside every single measurement. Start with [Run].
//
// # Why rounds
//
// The speed of a shared core changes by tens of percent from one second to the next, so contenders that are
// measured one after the other meet different machines. Within a round, the contenders take turns on the same
// piece of work, some milliseconds each. So the ratio of two of them in one round is worth more than the ratio of
// their best or mean times. The median and the quartiles over many rounds are reported.
//
// # Quiet rounds
//
// Before and after each measurement a [Probe] runs: independent additions that fit the registers and use
// everything that a core can compute with. A neighbour on the other hardware thread of the core shows in it at
// once, as it does in a decoder, while copying memory hardly notices. A measurement is quiet if the slower of its
// two probes took at most 1.2 times as long as the fastest probes of the run (their 2 % quantile). Nothing else
// decides. Quiet moments may be rare and short, so every second round waits for them and repeats disturbed
// measurements. It counts for the quiet figures alone. Whether any moment of a run was undisturbed cannot be
// known. The time of the fastest probes is reported, so that runs can be compared.
package measure
