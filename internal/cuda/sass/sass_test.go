package sass

import (
	"strings"
	"testing"
)

// listing is a kernel with a loop of three instructions, a rare way, and code for one warp.
const listing = `
//--------------------- .text.other             --------------------------
        /*0000*/                   EXIT ;
//--------------------- .text.decode            --------------------------
.text.decode:
        /*0000*/                   LDC R1, c[0x0][0x28] ;   /* 0x00000a00ff017b82 */
        /*0010*/               @P0 BRA ` + "`(.L_x_1)" + ` ;
.L_x_0:
        /*0020*/                   IADD3 R1, R1, 0x1, RZ ;
        /*0030*/                   ISETP.NE.AND P1, PT, R1, RZ, PT ;
        /*0040*/               @P1 BRA ` + "`(.L_x_0)" + ` ;
        /*0050*/                   EXIT ;
.L_x_1:
        /*0060*/                   PMTRIG 0x1 ;
        /*0070*/                   NOP ;
        /*0080*/                   EXIT ;
.L_x_2:
        /*0090*/                   BRA ` + "`(.L_x_2)" + `;
`

func TestShortest(t *testing.T) {
	k, err := Parse(Functions([]byte(listing))["decode"])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := k.Shortest([]float64{10}); err != nil || n != 2+10*3+1 {
		t.Errorf("%v instructions, %v, want 33", n, err)
	}
	if _, err := k.Shortest(nil); err == nil || !strings.Contains(err.Error(), "1 loops, want 0") {
		t.Errorf("error is %v", err)
	}
	if _, err := k.Longest(); err == nil || !strings.Contains(err.Error(), "loop") {
		t.Errorf("error is %v, want one about the loop", err)
	}
}

func TestLongest(t *testing.T) {
	straight := strings.Replace(listing, "@P1 BRA `(.L_x_0)", "@P1 BRA `(.L_x_1)", 1)
	k, err := Parse(Functions([]byte(straight))["decode"])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := k.Longest(); err != nil || n != 6 {
		t.Errorf("%v instructions, %v, want 6: those without the marked way", n, err)
	}
	k, err = Parse([]byte(strings.Replace(straight, "PMTRIG 0x1", "PMTRIG 0x2", 1)))
	if err != nil {
		t.Fatal(err)
	}
	k.OneWarp = 0.5
	if n, err := k.Longest(); err != nil || n != 1 { // the path is that of the other function, because the text is not divided
		t.Errorf("%v instructions, %v", n, err)
	}
}

// TestStart checks that instructions before the mark of the start of the straight path do not count.
func TestStart(t *testing.T) {
	text := "/*0000*/ MOV R0, R1 ;\n/*0010*/ MOV R0, R1 ;\n/*0020*/ PMTRIG 0x4 ;\n/*0030*/ MOV R0, R1 ;\n/*0040*/ EXIT ;\n"
	k, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := k.Longest(); err != nil || n != 2 {
		t.Errorf("%v instructions, %v, want 2: those behind the mark", n, err)
	}
	if _, err := Parse([]byte(text + text)); err == nil || !strings.Contains(err.Error(), "begins twice") {
		t.Errorf("error is %v, want one about the second mark", err)
	}
}

// TestOnce runs a loop and the loop in it once each.
func TestOnce(t *testing.T) {
	blocks := []block{
		{instructions: 1, next: []int{1}},
		{instructions: 10, next: []int{2}},           // outer head
		{instructions: 100, next: []int{2, 3}},       // inner loop
		{instructions: 1000, next: []int{1, 4}},      // outer end
		{instructions: 10000, ends: true, next: nil}, // end
	}
	k := &Kernel{OneWarp: 1, Once: true, blocks: blocks}
	if n, err := k.Longest(); err != nil || n != 11111 {
		t.Errorf("%v instructions, %v, want 11111", n, err)
	}
	k.Once = false
	if _, err := k.Longest(); err == nil || !strings.Contains(err.Error(), "a loop without a mark around block 2") {
		t.Errorf("error is %v, want one about the inner loop", err)
	}
	// If the outer loop were left at its head, its body would not count.
	k.Once = true
	blocks[1].next, blocks[3].next = []int{2, 4}, []int{1}
	if _, err := k.Longest(); err == nil || !strings.Contains(err.Error(), "not left at its end, block 3") {
		t.Errorf("error is %v, want one about the outer loop", err)
	}
}

// TestTurn runs once through a loop, past what is rare, and not through the loop around it.
func TestTurn(t *testing.T) {
	blocks := []block{
		{instructions: 1, next: []int{1}},
		{instructions: 10, next: []int{2}},     // outer head
		{instructions: 100, next: []int{3, 4}}, // inner head
		{instructions: 5000, next: []int{4}, rare: true},
		{instructions: 1000, next: []int{2, 5}},  // inner end
		{instructions: 10000, next: []int{1, 6}}, // outer end
		{instructions: 100000, ends: true},
	}
	k := &Kernel{OneWarp: 1, blocks: blocks, start: 2}
	if n, err := k.Turn(); err != nil || n != 1100 {
		t.Errorf("%v instructions, %v, want 1100", n, err)
	}
	k.start = 1
	if _, err := k.Turn(); err == nil || !strings.Contains(err.Error(), "a loop without a mark around block 2") {
		t.Errorf("error is %v, want one about the inner loop", err)
	}
	k.start = 6
	if _, err := k.Turn(); err == nil || !strings.Contains(err.Error(), "no loop around the start") {
		t.Errorf("error is %v", err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "no instruction"},
		{"        /*0000*/  BRA `(.L_x_9) ;\n", "no label .L_x_9"},
		{"        /*0000*/  PMTRIG 0x8 ;\n", "a mark of no meaning"},
	} {
		if _, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error is %v, want one with %q", c.text, err, c.want)
		}
	}
	k, err := Parse([]byte("        /*0000*/  BRX R2 -0x10 ;\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Longest(); err == nil || !strings.Contains(err.Error(), "BRX") {
		t.Errorf("error is %v, want one with BRX", err)
	}
}
