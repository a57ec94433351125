package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// An interruption is the cause of the end of a context that a signal has ended.
type interruption struct{ signal os.Signal }

func (i *interruption) Error() string { return i.signal.String() }

// untilSignal returns a context that ends with the first SIGINT, SIGTERM or SIGHUP, but for those that
// the program was started to ignore, as by nohup. A second signal ends the program at once. A broken pipe is an
// error of the write alone.
func untilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		s := <-signals
		signal.Stop(signals)
		cancel(&interruption{s})
	}()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // not the same as to ignore it, which children inherit
	return ctx
}

// signalOf returns the number of the signal that ended a context, that of SIGINT if something else did.
func signalOf(ctx context.Context) int {
	if i, ok := errors.AsType[*interruption](context.Cause(ctx)); ok {
		if s, ok := i.signal.(syscall.Signal); ok {
			return int(s)
		}
	}
	return int(syscall.SIGINT)
}
