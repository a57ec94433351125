package main

import (
	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// coding adds the flags that say how weights are coded.
type coding struct{ codec, form, scheme, index string }

// codecs are the values of --codec.
var codecs = []string{string(model.DF11), string(model.RANS)}

func (c *coding) flags(cmd *cobra.Command, codec string) {
	cmd.Flags().StringVar(&c.codec, "codec", codec, "how to code: df11 or rans")
	cmd.Flags().StringVar(&c.form, "form", rans.FormNames()[0], "what rans codes of a weight: exponent or joint")
	cmd.Flags().StringVar(&c.scheme, "codebook", checkpoint.Schemes()[0], "how to choose the code books of df11: model, unit or published")
	cmd.Flags().StringVar(&c.index, "index", codebook.IndexNames()[0], "how to index the bit streams of df11: gaps, tiles or both")
	oneOf(cmd, "codec", codecs)
	oneOf(cmd, "form", rans.FormNames())
	oneOf(cmd, "codebook", checkpoint.Schemes())
	oneOf(cmd, "index", codebook.IndexNames())
}

// apply checks the flags and sets the options that they stand for.
func (c *coding) apply(cmd *cobra.Command, opts *checkpoint.CompressOptions) (err error) {
	for _, f := range []struct {
		flag, value string
		values      []string
		of          model.Codec // "" for all
	}{
		{"codec", c.codec, codecs, ""},
		{"form", c.form, rans.FormNames(), model.RANS},
		{"codebook", c.scheme, checkpoint.Schemes(), model.DF11},
		{"index", c.index, codebook.IndexNames(), model.DF11},
	} {
		if err := checkOneOf(f.flag, f.value, f.values); err != nil {
			return err
		}
		if f.of != "" && string(f.of) != c.codec && cmd.Flags().Changed(f.flag) {
			return usagef("--%s goes with --codec %s", f.flag, f.of)
		}
	}
	opts.Codec, opts.Scheme = model.Codec(c.codec), c.scheme
	if opts.Form, err = rans.FormByName(c.form); err != nil {
		return err
	}
	opts.Index, err = codebook.IndexByName(c.index)
	return err
}
