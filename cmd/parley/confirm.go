package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
)

// confirm asks before something that cannot be undone, unless yes is set.
func confirm(a *app, yes bool, question string) error {
	if yes {
		return nil
	}
	fmt.Fprintf(a.stderr, "%s This cannot be undone. Type yes to continue: ", question)
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n') // end of input is not a yes
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed: not confirmed (use --yes in scripts)")
	}
	return nil
}
