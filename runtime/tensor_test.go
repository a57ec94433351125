package runtime

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// tinyLlama is a checkpoint that the published encoder wrote, and its original model.
const (
	tinyLlama     = "../model/testdata/tiny-llama/df11"
	tinyLlamaBF16 = "../model/testdata/tiny-llama/bf16"
)

// TestTensor reads every tensor of a checkpoint, coded or not, and compares it with the model.
func TestTensor(t *testing.T) {
	original, err := model.Open(tinyLlamaBF16)
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	want := make(map[string]*model.Tensor)
	for _, o := range original.Tensors {
		want[o.Name] = o
	}
	m := samples.Must(Open(tinyLlama))
	defer m.Close()
	all := m.Tensors()
	if len(all) != len(want) {
		t.Errorf("%d tensors, want %d", len(all), len(want))
	}
	coded := 0
	for _, u := range m.Units() {
		for _, d := range u.Tensors {
			clear(d.Shape) // is the caller's
		}
	}
	for _, d := range all {
		w := want[d.Name]
		if w == nil {
			t.Fatalf("tensor %q is not in the model", d.Name)
		}
		clear(samples.Must(m.Tensor(t.Context(), d.Name)).Shape) // is the caller's
		v, err := m.Tensor(t.Context(), d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(v.Bytes, w.Bytes()) {
			t.Errorf("%s: other bytes than the model has", d.Name)
		}
		if v.DType != w.DType || !slices.Equal(v.Shape, w.Shape) || v.Elements != int(w.Elements()) || v.Unit != d.Unit {
			t.Errorf("%+v, want %v", v.Tensor, w)
		}
		if d.Unit != "" {
			coded++
			if i := slices.IndexFunc(m.Units(), func(u Unit) bool { return u.Name == d.Unit }); i < 0 ||
				!slices.ContainsFunc(m.Units()[i].Tensors, func(o Tensor) bool { return o.Name == d.Name }) {
				t.Errorf("%s: it is not in unit %q", d.Name, d.Unit)
			}
		}
		for skip := range 2 { // aligned or not
			buf := bytes.Repeat([]byte{0xa5}, len(v.Bytes)+4)
			if err := m.ReadTensor(t.Context(), d.Name, buf[skip:][:len(v.Bytes)]); err != nil {
				t.Fatal(err)
			}
			rest := bytes.Repeat([]byte{0xa5}, 4)
			if !bytes.Equal(buf[skip:][:len(v.Bytes)], v.Bytes) || !bytes.Equal(slices.Concat(buf[:skip], buf[skip+len(v.Bytes):]), rest) {
				t.Errorf("%s: ReadTensor, %d bytes into the memory, wrote something else", d.Name, skip)
			}
		}
	}
	if coded == 0 || coded == len(all) {
		t.Errorf("%d of %d tensors are coded: the test needs both kinds", coded, len(all))
	}
}

// TestTensorsOrder lists tensors in the order of the units and of the files.
func TestTensorsOrder(t *testing.T) {
	file := samples.Must(model.OpenContainer(tinyLlama))
	var want []string
	for _, u := range file.Units {
		for _, c := range u.Tensors {
			want = append(want, c.Name)
		}
	}
	for _, r := range file.Rest {
		want = append(want, r.Name)
	}
	m := samples.Must(New(file))
	defer m.Close()
	var got []string
	for _, d := range m.Tensors() {
		got = append(got, d.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("tensors %q, want %q", got, want)
	}
}

// TestTensorPieces reads a tensor that is copied in several pieces.
func TestTensorPieces(t *testing.T) {
	want := bytes.Repeat([]byte("seven, "), (2*copyPiece+10)/7)
	bc := samples.Books()[1]
	s := samples.Must(codebook.Encode(bc.Book, bc.Weights[:10]))
	path := t.TempDir() + "/model.safetensors"
	entries := append(model.UnitEntries("u", s, nil), model.BytesEntry("large", model.U8, []uint64{uint64(len(want))}, want))
	if err := model.WriteFile(path, entries, nil); err != nil {
		t.Fatal(err)
	}
	m := open(t, path)
	if v, err := m.Tensor(t.Context(), "large"); err != nil || !bytes.Equal(v.Bytes, want) {
		t.Errorf("other bytes than were written, or an error: %v", err)
	}
}

// TestTensorErrors asks for what is not there.
func TestTensorErrors(t *testing.T) {
	m := samples.Must(Open(tinyLlama))
	const raw, coded = "model.norm.weight", "lm_head.weight"
	norm := samples.Must(m.Tensor(t.Context(), raw))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	var none context.Context
	second := func(_ *Values, err error) error { return err }
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"unknown", second(m.Tensor(t.Context(), "nothing")), `no tensor "nothing"`},
		{"read unknown", m.ReadTensor(t.Context(), "nothing", nil), `no tensor "nothing"`},
		{"short", m.ReadTensor(t.Context(), raw, norm.Bytes[2:]), "model.safetensors: tensor \"model.norm.weight\": "},
		{"long", m.ReadTensor(t.Context(), raw, make([]byte, len(norm.Bytes)+1)), "into a buffer of"},
		{"coded, short", m.ReadTensor(t.Context(), coded, nil), "into a buffer of 0"},
		{"coded, long", m.ReadTensor(t.Context(), coded, make([]byte, 1<<20)), "into a buffer of 1048576"},
		{"decode what is not coded", m.DecodeTensor(t.Context(), raw, make([]uint16, norm.Elements)), "is not coded"},
		{"cancelled", second(m.Tensor(cancelled, raw)), context.Canceled.Error()},
		{"cancelled, coded", second(m.Tensor(cancelled, coded)), context.Canceled.Error()},
		{"nil context", second(m.Tensor(none, raw)), "the context is nil"},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.name, tc.err, tc.want)
		}
	}
	before := slices.Clone(norm.Bytes)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(norm.Bytes, before) {
		t.Error("the values changed with Close")
	}
	if len(m.Tensors()) == 0 {
		t.Error("a closed model lists no tensors")
	}
	for name, err := range map[string]error{
		"Tensor":     second(m.Tensor(t.Context(), raw)),
		"ReadTensor": m.ReadTensor(t.Context(), raw, norm.Bytes),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a closed model: %v", name, err)
		}
	}
}

// TestRawSums compares a tensor that is not coded with its sum, with both kinds of checks.
func TestRawSums(t *testing.T) {
	const raw = "model.norm.weight"
	open := func(change func(*model.TensorSum), opts ...Option) *Model {
		file := samples.Must(model.OpenContainer(tinyLlama))
		i := slices.IndexFunc(file.Rest, func(x *model.Tensor) bool { return x.Name == raw })
		sum := model.SumTensor(file.Rest[i].Bytes())
		change(&sum)
		file.Sums = map[string]model.TensorSum{raw: sum}
		m := samples.Must(New(file, opts...))
		t.Cleanup(func() { m.Close() })
		return m
	}
	sound, other := func(*model.TensorSum) {}, func(s *model.TensorSum) { s[3] ^= 1 }
	if _, err := open(other).Tensor(t.Context(), raw); err != nil {
		t.Errorf("without checks: %v", err)
	}
	for _, checks := range []Checks{CheckFirst, CheckAlways} {
		m := open(sound, WithChecks(checks))
		for range 2 {
			if _, err := m.Tensor(t.Context(), raw); err != nil {
				t.Errorf("checks %d: %v", checks, err)
			}
		}
		m.raw[raw].sum.TensorSum[0] ^= 1 // as if the file was changed after the first time
		if _, err := m.Tensor(t.Context(), raw); (err != nil) != (checks == CheckAlways) {
			t.Errorf("checks %d, behind the first time: %v", checks, err)
		}
		m = open(other, WithChecks(checks))
		for range 2 {
			v, err := m.Tensor(t.Context(), raw)
			if sumErr, ok := errors.AsType[*SumError](err); !ok || sumErr.Tensor != raw || !strings.HasPrefix(err.Error(), "runtime: "+tinyLlama) {
				t.Errorf("checks %d: %v, want a SumError that names the file", checks, err)
			}
			if v != nil {
				t.Errorf("checks %d: values besides an error", checks)
			}
		}
	}
}

// TestView views the same bytes as all types. Types that do not fit must be errors.
func TestView(t *testing.T) {
	v := func(d model.DType) *Values {
		b := alignedBytes(16)
		for i := range b {
			b[i] = byte(i + 1)
		}
		return &Values{Tensor: Tensor{Name: "x", DType: d}, Bytes: b}
	}
	viewed(t, v(model.BF16), uint16(0x0201), 8)
	viewed(t, v(model.F16), uint16(0x0201), 8)
	viewed(t, v(model.I16), int16(0x0201), 8)
	viewed(t, v(model.U32), uint32(0x04030201), 4)
	viewed(t, v(model.I32), int32(0x04030201), 4)
	viewed(t, v(model.F32), math.Float32frombits(0x04030201), 4)
	viewed(t, v(model.F32), uint32(0x04030201), 4)
	viewed(t, v(model.F64), math.Float64frombits(0x0807060504030201), 2)
	viewed(t, v(model.I64), int64(0x0807060504030201), 2)
	viewed(t, v(model.C64), uint64(0x0807060504030201), 2)
	viewed(t, v(model.BOOL), uint8(1), 16)
	viewed(t, v(model.F8E4M3), uint8(1), 16)
	viewed(t, v(model.I8), int8(1), 16)
	for skip := range 8 { // aligned or not
		b := append(alignedBytes(skip), v(model.I64).Bytes...)[skip:]
		viewed(t, &Values{Tensor: Tensor{DType: model.I32}, Bytes: b}, int32(0x04030201), 4)
		viewed(t, &Values{Tensor: Tensor{DType: model.I64}, Bytes: b}, int64(0x0807060504030201), 2)
	}

	for name, err := range map[string]error{
		"BF16 as float32": viewError[float32](v(model.BF16)),
		"BF16 as int16":   viewError[int16](v(model.BF16)),
		"F32 as uint16":   viewError[uint16](v(model.F32)),
		"U32 as int32":    viewError[int32](v(model.U32)),
		"F4 as uint8":     viewError[uint8](v(model.F4)),
	} {
		if err == nil || !strings.Contains(err.Error(), `tensor "x": no view`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if e, err := View[float32](&Values{Tensor: Tensor{DType: model.F32}}); err != nil || len(e) != 0 {
		t.Errorf("a view of nothing: %v, %v", e, err)
	}
}

// viewed checks the number of elements and the first one.
func viewed[T Number](t *testing.T, v *Values, first T, n int) {
	t.Helper()
	e, err := View[T](v)
	if err != nil || len(e) != n || e[0] != first || uintptr(unsafe.Pointer(&e[0]))%unsafe.Sizeof(first) != 0 {
		t.Errorf("%s: %v (error %v), want %d of them, the first %v", v.DType, e, err, n, first)
	}
}

func viewError[T Number](v *Values) error {
	_, err := View[T](v)
	return err
}

// TestFloat32s widens numbers of each type.
func TestFloat32s(t *testing.T) {
	for _, tc := range []struct {
		dtype model.DType
		bytes []byte
		want  []uint32
	}{
		{model.BF16, []byte{0x80, 0x3f, 0x01, 0x80, 0xa5, 0x7f}, []uint32{0x3f800000, 0x80010000, 0x7fa50000}},
		{model.F16, []byte{0x00, 0x3c, 0x01, 0x80, 0x00, 0xfc}, []uint32{0x3f800000, 0xb3800000, 0xff800000}},
		{model.F32, []byte{0x01, 0x00, 0x80, 0x7f, 0x02, 0x00, 0x80, 0x3f}, []uint32{0x7f800001, 0x3f800002}},
	} {
		got, err := (&Values{Tensor: Tensor{DType: tc.dtype}, Bytes: tc.bytes}).Float32s()
		if err != nil {
			t.Fatal(err)
		}
		var bits []uint32
		for _, f := range got {
			bits = append(bits, math.Float32bits(f))
		}
		if !slices.Equal(bits, tc.want) {
			t.Errorf("%s: %08x, want %08x", tc.dtype, bits, tc.want)
		}
	}
	if _, err := (&Values{Tensor: Tensor{Name: "x", DType: model.F64}}).Float32s(); err == nil {
		t.Error("F64 as float32, where it is not exact")
	}
}
