package update

// SetChunk has an Updater read and write in small pieces.
func (u *Updater) SetChunk(n int) { u.chunk = n }

// Armed says whether the machine is to start anew.
func (u *Updater) Armed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.armed
}
