package cpu

import (
	"errors"
	"testing"
)

// TestLowestChunk reports errors of chunks in any order. The error of the lowest chunk must be the task's, and no
// later chunk may be taken any more.
func TestLowestChunk(t *testing.T) {
	errs := []error{errors.New("chunk 0"), errors.New("chunk 1"), errors.New("chunk 2"), errors.New("chunk 3")}
	for _, order := range [][]int{{3, 1, 2}, {1, 3, 2}, {2, 3, 1}, {3, 2, 1}, {1}, {3, 1}, {1, 3}} {
		task := &Task{workers: 2, to: 9, busy: len(order) + 2, done: make(chan struct{})}
		task.finish(1, nil) // a piece that ends there
		for _, bad := range order {
			task.finish(bad, errs[bad])
		}
		task.finish(9, nil)
		if task.err != errs[1] || task.to != 1 {
			t.Errorf("chunks %v: error %v before chunk %d", order, task.err, task.to)
		}
		select {
		case <-task.done:
			t.Errorf("chunks %v: done with a chunk left", order)
		default:
		}
		from, to, ok := task.take()
		if from != 0 || to != 1 || !ok {
			t.Fatalf("chunks %v: took chunks %d to %d, %t", order, from, to, ok)
		}
		task.finish(0, errs[0])
		<-task.done
		if task.err != errs[0] {
			t.Errorf("chunks %v: error %v, want that of chunk 0", order, task.err)
		}
	}
}

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
