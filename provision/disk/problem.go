package disk

// Exit codes of a Problem, as every program of ours uses them.
const (
	ExitFailed = 1 // it was tried and did not come out
	ExitInput  = 2 // nothing was tried, nothing was changed
	ExitNotNow = 3 // nothing was changed; the same may come out later
)

// Problem is what went wrong, for a person: one sentence and one thing to do.
// Scripts go by Code and Exit.
type Problem struct {
	Exit int    `json:"exit"`
	Code string `json:"code"`
	Text string `json:"text"`
	Todo string `json:"todo"`
}

// Error is both sentences.
func (p *Problem) Error() string { return p.Text + " " + p.Todo }
