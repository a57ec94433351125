//go:build linux

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// KillCount is the result of killing one command.
type KillCount struct {
	Command string
	// Kills is how often the command was killed. Of these kills, Midway left something behind, Early nothing, and
	// Late the whole output. Ended counts the runs that ended before they could be killed.
	Kills, Early, Midway, Late, Ended int
	// Half counts outputs that were neither what was there before nor whole. Left counts outputs beside which
	// something was left after the next complete run. Wrong counts complete runs after a kill that failed or made
	// other files.
	Half, Left, Wrong int
	// Problems describes the runs that Half, Left and Wrong count.
	Problems []string
}

// Kill kills a command n times with SIGKILL at random moments. Half of the kills come after something of the
// output is there. On average, every second run after a kill is killed as well; in the end that run is left
// undisturbed. The error says that the command does not even work if it is not killed.
func Kill(ctx context.Context, cfg Config, cmd Command, n int) (*KillCount, error) {
	r, err := cfg.refer(ctx, &cmd)
	if err != nil {
		return nil, err
	}
	k := &killer{cfg: &cfg, cmd: &cmd, want: r, random: rand.New(rand.NewPCG(cfg.Seed, uint64(len(cmd.Name))))}
	k.count.Command = cmd.Name
	for k.count.Kills < n && k.count.Ended <= 10*n {
		if err := k.series(ctx, n); err != nil {
			return &k.count, err
		}
	}
	return &k.count, nil
}

type killer struct {
	cfg    *Config
	cmd    *Command
	want   *reference
	random *rand.Rand
	count  KillCount
}

func (k *killer) problem(count *int, format string, args ...any) {
	*count++
	k.count.Problems = append(k.count.Problems, fmt.Sprintf("%s, kill %d: %s", k.cmd.Name, k.count.Kills, fmt.Sprintf(format, args...)))
}

// series kills one run, and maybe those that follow in the same place, until one may end.
func (k *killer) series(ctx context.Context, n int) error {
	p, err := k.cfg.newPlace(k.cmd)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	before, err := files(p.dir)
	if err != nil {
		return err
	}
	args := k.cmd.Args
	for {
		whole, err := k.kill(ctx, args, p, before)
		if err != nil {
			return err
		}
		if k.cmd.Again != nil {
			args = k.cmd.Again
		}
		if whole && k.cmd.Before == "" {
			break // the next run would be refused
		}
		if k.count.Kills < n && k.random.IntN(2) == 0 {
			continue
		}
		if err := k.cfg.complete(ctx, k.cmd, args, p); err != nil {
			k.problem(&k.count.Wrong, "the next run: %v", err)
			return ctx.Err()
		}
		break
	}
	after, err := files(p.dir)
	if err != nil {
		return err
	}
	if d := difference(below(k.want.files, k.cmd.out()), below(after, k.cmd.out())); d != "" {
		k.problem(&k.count.Wrong, "after the next run: %s", d)
	} else if d := difference(k.want.files, after); d != "" {
		k.problem(&k.count.Left, "after the next run: %s", d)
	}
	return nil
}

// kill runs the command, kills it, and reports whether the output is whole.
func (k *killer) kill(ctx context.Context, args []string, p place, before map[string]string) (whole bool, err error) {
	run, stderr := k.cfg.command(ctx, args, k.cmd.Input, p.path())
	if err := run.Start(); err != nil {
		return false, err
	}
	ended := make(chan struct{})
	var end error
	go func() { defer close(ended); end = run.Wait() }()
	k.wait(p, ended)
	_ = run.Process.Kill()
	<-ended
	if err := ctx.Err(); err != nil {
		return false, err
	}
	killed := !run.ProcessState.Exited()
	if killed {
		k.count.Kills++
	} else if k.count.Ended++; end != nil {
		k.problem(&k.count.Wrong, "not killed: %v: %s", end, stderr)
	}
	now, err := files(p.dir)
	if err != nil {
		return false, err
	}
	out := below(now, k.cmd.out())
	whole = difference(below(k.want.files, k.cmd.out()), out) == ""
	switch {
	case !killed:
	case whole:
		k.count.Late++
	case p.temporary():
		k.count.Midway++
	default:
		k.count.Early++
	}
	if d := difference(before, out); d != "" && !whole {
		k.problem(&k.count.Half, "%s", d)
	}
	return whole, nil
}

// wait waits until a random moment, or until the run has ended.
func (k *killer) wait(p place, ended <-chan struct{}) {
	pause := time.Duration(k.random.Float64() * float64(k.want.duration))
	if k.random.IntN(2) == 0 {
		for left := k.want.duration; left > 0 && !p.temporary(); left -= 100 * time.Microsecond {
			select {
			case <-ended:
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
		pause = time.Duration(k.random.Float64() * float64(k.want.duration-k.want.start))
	}
	select {
	case <-ended:
	case <-time.After(pause):
	}
}
