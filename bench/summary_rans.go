package main

import (
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/runtime"
)

// A peerSummary compares the decoders of rANS with htscodecs, on a data set with a number of threads.
type peerSummary struct {
	Data    string
	Threads int
	Peer    *row
	Of      []*measured // by PeerColumns
}

// PeerColumns are the decoders of rANS in the summary.
func (r *report) PeerColumns() []string {
	return slices.DeleteFunc(slices.Clone(summaryColumns), func(name string) bool { return !strings.HasPrefix(name, ransName("")) })
}

// PeerSummary returns a row for each data set and number of threads, if the peer was measured.
func (r *report) PeerSummary() []peerSummary {
	var list []peerSummary
	for _, t := range r.Decode() {
		for _, n := range t.Threads() {
			s := peerSummary{Data: t.Label(), Threads: n, Peer: t.row(htscodecsName, n)}
			if s.Peer == nil {
				continue
			}
			for _, name := range r.PeerColumns() {
				var of *measured
				if own := t.row(name, n); own != nil && own.Peer != nil {
					of = own.Peer.Ratio
				}
				s.Of = append(s.Of, of)
			}
			list = append(list, s)
		}
	}
	return list
}

// A sizeSummary has the sizes of a data set, in bits a weight.
type sizeSummary struct {
	Data                           string
	Entropy, Exponent, Joint, DF11 float64
}

// InWords is the information in the exponents and the other bits, in bits a weight.
func (s sizeSummary) InWords() float64 { return s.Entropy + 8 }

// Sizes returns a row for each data set.
func (r *report) Sizes() []sizeSummary {
	var list []sizeSummary
	for _, t := range r.Decode() {
		s := sizeSummary{Data: t.Data, Entropy: t.Entropy}
		for _, row := range t.Rows {
			switch {
			case row.Impl == ransName(runtime.Generic):
				s.Exponent = row.Bits
			case strings.HasSuffix(row.Impl, jointSuffix):
				s.Joint = row.Bits
			case row.Impl == runtime.Generic:
				s.DF11 = row.Bits
			}
		}
		list = append(list, s)
	}
	return list
}
