package cpu

import "testing"

// TestSummedChunks checks that pieces have bounded sizes, are multiples of the sides, and come to an end.
func TestSummedChunks(t *testing.T) {
	for _, sides := range []int{1, 3, 5, 8} {
		for n := 1; n < 1000; n++ {
			left := n
			for left > 0 {
				k := summedChunks(left, sides)
				if k < 1 || k > left || k > summedPiece+sides || k < left && k%sides != 0 {
					t.Fatalf("%d chunks out of %d, %d at a time", k, left, sides)
				}
				left -= k
			}
		}
	}
}
