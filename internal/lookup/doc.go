// Package lookup makes the tables with which decoders on the CPU look up codes. An entry of a [Table] holds several
// symbols. A list of [Long] holds the codes that are too long for the table. Decoders keep symbols in the form of
// [Rotate] until they merge them with signs and mantissas.
package lookup
