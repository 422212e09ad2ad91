// Package hours computes business time: how much of an interval is within the opening hours of a project.
//
// # Schedules
//
// A [Schedule] is a list of versions, each valid from a date of its own time zone
// until the next one begins. A version has a time zone, opening hours for the days
// of the week, and holidays with their own hours, or none.
//
// # The rule
//
// Whether a moment is business time depends on the version that is valid at that moment, and on the
// local date and time in the version's time zone: the date determines the hours, the time whether
// it is within them. So past figures stay correct after a schedule is changed from a later date on,
// and after the zone changes its offset; on days when clocks change, a skipped hour does not count,
// and a repeated hour counts twice.
//
// Before its first version a schedule is undefined. An interval that begins there has no business
// time: null, not zero.
//
// # Computing
//
// [Schedule.Openings] returns the open intervals of a range, in UTC. A [Timeline] holds those of
// several projects in the form used by SQL; its Between is the reference for the SQL computation.
// Both are pure.
//
// # Keeping
//
// A [Store] keeps the schedule of each project in [Records] shared by all roles.
package hours
