package main

import (
	"errors"
	"fmt"
	"io"
)

// bash asks the program itself what there is, so it never falls behind: the
// commands are those of "provision help", the flags those of "-h".
const bash = `# Completion of provision for bash: source <(provision completion bash)
_provision() {
  local cur=${COMP_WORDS[COMP_CWORD]} first=${COMP_WORDS[1]} second=${COMP_WORDS[2]} words=
  case $first/$second in
    enrol/list | enrol/revoke | image/[a-z]* | key/[a-z]*) ;;
    *) second= ;;
  esac
  if ((COMP_CWORD == 1)); then
    words=$(provision help | sed -n 's/^  provision \([a-z]*\).*/\1/p' | sort -u)
  elif [[ $cur == -* ]]; then
    words=$(provision "$first" $second -h 2>/dev/null | sed -n 's/^  -\([a-z-]*\).*/--\1/p')
  elif ((COMP_CWORD == 2)); then
    case $first in
      enrol) words='list revoke' ;;
      completion) words=bash ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _provision provision
`

func runCompletion(args []string, stdout io.Writer) error {
	if len(args) != 1 || args[0] != "bash" {
		return inputError{errors.New("completion: say \"provision completion bash\"")}
	}
	_, err := fmt.Fprint(stdout, bash)
	return err
}
