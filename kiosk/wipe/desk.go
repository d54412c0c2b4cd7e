package wipe

import (
	"context"
	"errors"
)

// clipboard takes the selections away and then looks whether somebody has one
// again: a clipboard manager would.
func (w *Wiper) clipboard(context.Context, hunt) (tally, error) {
	if err := w.c.ClearSelections(); err != nil {
		return tally{}, err
	}
	n, err := w.c.Selections()
	if err != nil {
		return tally{}, err
	}
	if n < 0 {
		return tally{}, errors.New("count the selections: the answer is negative")
	}
	return tally{looked: selections, found: uint32(n)}, nil
}

// selections is how many the X server has that people use: PRIMARY, SECONDARY
// and CLIPBOARD.
const selections = 3
