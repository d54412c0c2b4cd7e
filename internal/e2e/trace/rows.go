package trace

// Rows are all changes outside of a session's sandbox that have a reason. Who
// adds one says why it holds nothing of a client.
func Rows() []Row {
	return []Row{
		{"STATE/session.json", "the wipe's mark, so that a power cut is noticed", "random tokens, times and what the machine was like before"},
		{"STATE/.session.json*", "the same, before it is put in place", "the same"},
		{"STATE/proofs.jsonl", "the signed proof of the wipe", "names of looks and numbers"},
		{"STATE/.proofs.jsonl*", "the same, when old ones are cut off", "the same"},
		{"STATE/counts.json", "the day's sums", "sums by category, never one by one"},
		{"STATE/.counts.json*", "the same, before it is put in place", "the same"},
		{"STATE/outbox/*", "what the agent has not acknowledged: proofs, sums, help calls", "a help call is a random number"},
		{"STATE/settings.json", "the settings heard last from the agent", "the centre's own"},
		{"STATE/.settings.json*", "the same, before it is put in place", "the same"},
		{"RUN/policy-*/**", "the browser's policy, made for each session", "the centre's rules, in the session's mode"},
		{"AGENT/**", "the agent's own data: it runs on this machine in the hunt", "the agent knows states and sums; a scenario searches its data for a session's words"},
	}
}
