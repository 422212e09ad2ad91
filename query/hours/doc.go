// Package hours computes business time: how much of a stretch of time lies within
// the opening hours of a project.
//
// # Schedules
//
// A [Schedule] is a list of versions, each valid from a date of its own time zone
// until the next one begins. A version has a time zone, opening hours for the days
// of the week, and holidays with hours of their own, or none.
//
// # The rule
//
// Whether a moment is business time is judged by the version that is valid at
// that moment, and by what a clock in the version's time zone shows at that
// moment: the local date says which hours hold, the local time whether it lies
// within. So figures of the past stay right after a schedule is changed from a
// later date on, and after the zone changes its offset; on the days when clocks
// change, the hour that is skipped does not count, and the hour that comes
// twice counts twice.
//
// Before its first version a schedule says nothing. A stretch that begins there has
// no business time: not zero, none.
//
// # Computing
//
// [Schedule.Openings] cuts a range into the stretches that are open, as moments of
// UTC. A [Timeline] holds those of several projects in the form that SQL takes; its
// Between is the reference for what SQL computes. Both are pure.
//
// # Keeping
//
// A [Store] keeps the schedule of each project in [Records] that all roles share.
package hours
