package checkpoint

import (
	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// side runs f in a goroutine of the group, guarded: all work here reads mapped files, which may be cut short.
func side(group *errgroup.Group, f func() error) {
	group.Go(func() error { return model.Guard(f) })
}
