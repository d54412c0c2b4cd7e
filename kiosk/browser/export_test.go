package browser

// WithFlags adds flags for Chromium, for tests that must look inside.
func (o Options) WithFlags(flags ...string) Options {
	o.extra = append(o.extra, flags...)
	return o
}

// WithRules replaces the policy's table.
func (o Options) WithRules(rules func(Policy) []Rule) Options {
	o.rules = rules
	return o
}

// Pids are bubblewrap's and that of the namespace's first process.
func Pids(r any) (bwrap, first int) {
	x := r.(*running)
	return x.cmd.Process.Pid, x.first
}
