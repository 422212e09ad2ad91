// Package timezone holds one version of the IANA time zone database, so that the
// same question has the same answer on every machine: the machine's own files, and the variables
// that name others, are never read.
//
// [Load] finds a zone by its name, canonical or an alias, exactly as the
// database spells it. "Local", paths and other spellings are not accepted.
//
// zoneinfo.zip is the file lib/time/zoneinfo.zip of the Go distribution, whose
// update.bash names the version. To renew it, copy the file and set [Version].
package timezone
