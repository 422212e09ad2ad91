// Package settings determines where the value of a setting comes from: the
// command line, the environment, a settings file, or a default, in this order.
//
// A setting is a field of a command's grammar (package kong). There are three
// kinds:
//
//   - A flag. The settings file may set it too, by its name: at the top, for
//     every command that has the flag, or below the name of one command, which
//     wins. Variables set the flags of services, and for every command those that
//     say where servers and data are: see [Parser].
//   - A flag with the tag env:"-", which starts, confirms or repeats an action.
//     It is given on the command line only.
//   - A field with the tag file:"query.limits.depth". It is set by that key of
//     the settings file and by nothing else, and is not in the help. Naming it on
//     the command line or in the environment is an error that names the key.
//
// A settings file is YAML, which JSON is a part of:
//
//	data-dir: /var/lib/parley
//	query:
//	  limits:
//	    depth: 12
//	serve:
//	  listen: 0.0.0.0:8080
//
// The file is checked as a whole when it is read: a key that no command knows, or
// a value that cannot be read, is an error with its line, whichever command runs.
package settings
