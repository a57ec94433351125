// Package lookup makes the tables by which decoders on the CPU look up codes: several symbols an entry in a [Table], and in a
// list, by [Long], the codes that are too long for it. Decoders keep symbols in the form of [Rotate] until they merge
// them with signs and mantissas.
package lookup
