package checkpoint

import (
	"context"
	"maps"
	"path/filepath"
	"slices"

	"github.com/seed54244801/bespoke/model"
)

// Check looks for damage to the container at df11 without the model. It decodes every unit and audits the
// indices on which GPUs rely. It compares every tensor, stored and decoded, and every other file with the sums
// that [Compress] left. It lists what seems to be missing. A checkpoint that other programs wrote has no sums.
// Then only its structure, its codes and its indices can be checked, and the report counts 0 sums.
//
// Damage is in the report. The error says what could not be checked at all.
func Check(ctx context.Context, df11 string, opts VerifyOptions) (*VerifyReport, error) {
	d, m, err := openContainer(df11, opts.Patterns, opts.Runtime)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	v := verifier{ctx: ctx, d: d, m: m, p: orSilent(opts.Progress), seen: map[string]bool{}}
	defer v.p.Done()
	v.report = VerifyReport{DF11: df11, Decoder: m.Decoder().Name, Differences: []Difference{}}
	if err := model.Guard(v.check); err != nil {
		return nil, err
	}
	return &v.report, nil
}

func (v *verifier) check() error {
	for _, missing := range v.missing() {
		v.seen[missing.Name] = true
		v.differ(DiffMissing, missing.Name, "%s", missing.Evidence)
	}
	var total int64
	for _, u := range v.d.Units {
		total += 2 * int64(u.Elements())
	}
	v.p.Stage("checking tensors", total, "")
	for _, u := range v.d.Units {
		if err := v.checkUnit(u); err != nil {
			return err
		}
	}
	v.report.Tensors += len(v.d.Rest)
	for _, t := range v.d.Rest {
		v.report.Weights += t.Elements()
	}
	if err := v.stored(); err != nil {
		return err
	}
	v.metadata()
	return v.copies()
}

// missing lists what the checkpoint lacks. That includes config.json if nothing else names the tensors of a unit.
func (v *verifier) missing() []model.Missing {
	list := findMissing(v.d)
	known := slices.ContainsFunc(list, func(m model.Missing) bool { return m.Name == model.ConfigName })
	if v.d.Path == v.d.Dir && v.d.Config == nil && !known && !named(v.d) {
		list = append(list, model.Missing{Name: model.ConfigName, Evidence: "nothing else names the tensors of the units"})
		v.d.SortMissing(list)
	}
	return list
}

// checkUnit decodes a unit, compares its tensors with their sums and audits its stream.
func (v *verifier) checkUnit(u *model.Unit) error {
	v.report.Tensors += len(u.Tensors)
	v.report.Decoded += len(u.Tensors)
	v.report.Weights += uint64(u.Elements())
	decoded, ok, err := v.decode(u)
	if err != nil || !ok {
		return err
	}
	for i := range u.Tensors {
		t := &u.Tensors[i]
		if t.Sum == nil {
			continue
		}
		v.report.Sums++
		if have := model.SumTensor(decoded[2*t.Offset : 2*(t.Offset+t.Elements)]); have != *t.Sum {
			v.differ(DiffSum, t.Name, "decodes to xxh128 %v, must be %v (unit %q in %s)", have, *t.Sum, u.Name, u.File)
		}
	}
	v.audit(u, decoded)
	v.p.Advance(2 * int64(u.Elements()))
	return v.ctx.Err()
}

// stored compares the tensors, as they are stored, with their sums.
func (v *verifier) stored() error {
	if v.d.Sums == nil {
		return nil
	}
	var total int64
	for _, f := range v.d.Files {
		total += f.Size()
	}
	v.p.Stage("checking files", total, "")
	for _, f := range v.d.Files {
		for _, t := range f.Tensors {
			if err := v.ctx.Err(); err != nil {
				return err
			}
			v.report.Sums++
			if have, want := model.SumTensor(t.Bytes()), v.d.Sums[t.Name]; have != want {
				v.differ(DiffSum, t.Name, "%s holds xxh128 %v, must be %v", t.File(), have, want)
			}
		}
		v.p.Advance(f.Size())
	}
	return nil
}

// metadata looks for files that have lost the sums in their metadata, where a sidecar shows that they had some.
func (v *verifier) metadata() {
	if v.d.Sidecar == nil || v.d.Sidecar.Scheme == "published" {
		return
	}
	for _, f := range v.d.Files {
		if f.Sums == nil {
			v.differ(DiffSum, filepath.Base(f.Path()), "its metadata have lost the sums that they were written with")
		}
	}
}

// copies compares the files other than safetensors files with the sums in the metadata and in the sidecar.
func (v *verifier) copies() error {
	sums := map[string]model.FileSum{}
	maps.Copy(sums, v.d.Beside)
	if v.d.Sidecar != nil {
		for i := range v.d.Sidecar.Files {
			if f := &v.d.Sidecar.Files[i]; f.Kind == model.Copied {
				sums[f.StoredPath()] = f.FileSum
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(sums)) {
		if v.seen[path] {
			continue
		}
		if odd := misplaced(v.d.Dir, path); odd != "" {
			v.differ(DiffMissing, path, "%s", odd)
			continue
		}
		if err := v.file(&model.SidecarFile{Path: path, FileSum: sums[path]}, v.d.Dir, path); err != nil {
			return err
		}
	}
	return nil
}
