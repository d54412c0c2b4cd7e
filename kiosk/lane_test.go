package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failed []error
		l := newLane(func(err error) { failed = append(failed, err) })
		defer func() { l.close(); synctest.Wait() }()
		var did []string
		slow := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				select {
				case <-time.After(time.Minute):
					did = append(did, name)
				case <-ctx.Done():
					did = append(did, name+" ended")
				}
				return ctx.Err()
			}
		}
		l.do(slow("a"))
		synctest.Wait()
		l.do(slow("b"))
		l.do(slow("c")) // takes b's place
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := len(did); got != 2 || did[0] != "a ended" || did[1] != "c" {
			t.Errorf("did %v", did)
		}
		l.do(slow("d"))
		synctest.Wait()
		if err := <-l.last(func(context.Context) error { return errors.New("x") }); err == nil {
			t.Error("the last wish did not tell its error")
		}
		if len(failed) != 0 {
			t.Errorf("what was ended counts as failed: %v", failed)
		}
		l.do(func(context.Context) error { return errors.New("y") })
		synctest.Wait()
		if len(failed) != 1 {
			t.Errorf("failed: %v", failed)
		}
	})
}
