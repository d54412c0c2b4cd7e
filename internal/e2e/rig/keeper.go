package rig

import (
	"sync"
	"sync/atomic"
)

// Keeper starts a display's X server anew whenever it ends, as the service
// manager of a real machine does.
type Keeper struct {
	w      *World
	d      *Display
	mu     sync.Mutex // guards server
	server *Process
	over   atomic.Bool
	done   chan struct{}
}

// Keep begins to keep the display's server. Stop it before the test ends.
func (w *World) Keep(d *Display) *Keeper {
	k := &Keeper{w: w, d: d, server: d.Server, done: make(chan struct{})}
	go k.run()
	return k
}

// Server is the one that runs now.
func (k *Keeper) Server() *Process {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.server
}

func (k *Keeper) run() {
	defer close(k.done)
	for {
		<-k.Server().Done()
		if k.over.Load() {
			return
		}
		k.d.forget()
		p := k.w.Start("Xvfb", nil, k.d.xvfb(k.d.Hand.Display)...)
		k.mu.Lock()
		k.server = p
		k.mu.Unlock()
	}
}

// Stop ends the keeping and the server.
func (k *Keeper) Stop() {
	k.over.Store(true)
	k.Server().Kill()
	<-k.done
	k.d.forget()
}

// StateOf is the letter that the kernel gives a process's state, "" if there
// is no such process.
func StateOf(pid int) string { return processes()[pid].state }
