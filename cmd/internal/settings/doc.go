// Package settings determines the value of each setting from the command line, the environment, a
// settings file, or a default, in this order.
//
// A setting is a field of a command's grammar (package kong). There are three
// kinds:
//
//   - A flag. The settings file may set it too, by its name: at the top, for every command that has the flag, or below the name of one command, which takes precedence. Variables set the flags of services and, for every command, the flags that locate servers and data: see [Parser].
//   - A flag with the tag env:"-", which starts, confirms or repeats an action.
//     It is accepted only on the command line.
//   - A field with the tag file:"query.limits.depth". It is set only by that key of the settings file, and is not in the help. Setting it on the command line or in the environment is an error that names the key.
//
// A settings file is YAML (or JSON, a subset of YAML):
//
//	data-dir: /var/lib/parley
//	query:
//	  limits:
//	    depth: 12
//	serve:
//	  listen: 0.0.0.0:8080
//
// The file is checked as a whole when it is read: a key that no command knows, or
// a value that cannot be read, is an error with its line number, whichever command runs.
package settings
