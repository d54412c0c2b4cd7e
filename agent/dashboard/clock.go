package dashboard

import "fmt"

// clockOf writes a minute of the day as premises.Minute reads it, in a form that
// is the same everywhere.
func clockOf(minute int) string { return fmt.Sprintf("%d:%02d", minute/60, minute%60) }
