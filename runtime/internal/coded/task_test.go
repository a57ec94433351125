package coded

import (
	"errors"
	"testing"
)

// TestLowestPart reports errors of parts in any order. The error of the lowest part must be the task's, and no
// later part may be taken any more.
func TestLowestPart(t *testing.T) {
	errs := []error{errors.New("part 0"), errors.New("part 1"), errors.New("part 2"), errors.New("part 3")}
	for _, order := range [][]int{{3, 1, 2}, {1, 3, 2}, {2, 3, 1}, {3, 2, 1}, {1}, {3, 1}, {1, 3}} {
		task := NewTask(0, 9, 2, Pieces{1, 9, 1}, nil, nil)
		task.next, task.busy = 0, len(order)+2
		task.finish(1, nil) // a piece that ends there
		for _, bad := range order {
			task.finish(bad, errs[bad])
		}
		task.finish(9, nil)
		if task.err != errs[1] || task.to != 1 {
			t.Errorf("parts %v: error %v before part %d", order, task.err, task.to)
		}
		select {
		case <-task.done:
			t.Errorf("parts %v: done with a part left", order)
		default:
		}
		from, to, ok := task.take()
		if from != 0 || to != 1 || !ok {
			t.Fatalf("parts %v: took parts %d to %d, %t", order, from, to, ok)
		}
		task.finish(0, errs[0])
		<-task.done
		if task.err != errs[0] {
			t.Errorf("parts %v: error %v, want that of part 0", order, task.err)
		}
	}
}
