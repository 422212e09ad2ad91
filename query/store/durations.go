package store

import (
	"fmt"

	"github.com/parley-analytics/parley/query"
)

// returns is, for each contact of a conversation by ordinal, the time from its snooze to the next
// push in milliseconds; NULL if it did not end SNOOZED, or nothing was pushed before a close.
const returns = `arrayMap((n, next) -> if(next > 0 AND _marks.type[n + 1] = 'parley.conversation.snoozed.v1'
        AND NOT has(arraySlice(_marks.type, n + 1, next - n - 1), 'parley.conversation.closed.v1'),
        toUnixTimestamp64Milli(_marks.at[next]) - toUnixTimestamp64Milli(_marks.at[n + 1]), NULL),
        arrayFilter(n -> _marks.type[n] = 'parley.conversation.pushed.v1', arrayEnumerate(_marks.type)) AS _pushes,
        arraySlice(arrayPushBack(_pushes, 0), 2, length(_pushes)))`

// returned adds that contacts were pushed again within a time after their snooze.
func (c *conditions) returned(span *query.Range) {
	returned := within(fmt.Sprintf("%s%dr", c.prefix, len(c.args)), c.within)
	returned.add("snooze_count > 0")
	returned.between("_return", span)
	c.nest(`(project_id, conversation_id, ordinal) IN (
        SELECT project_id, conversation_id, _ordinal
        FROM (SELECT project_id, conversation_id, snooze_count, `+returns+` AS _returns FROM {projection:Identifier}.conversations FINAL)
        ARRAY JOIN _returns AS _return, arrayEnumerate(_returns) AS _ordinal
        WHERE $)`, returned)
}

// snoozeReturn is the distribution that contacts have through their conversation only.
const snoozeReturn = "snoozeReturn"

// durationOf writes the duration of a distribution, in milliseconds; NULL where a
// row has none.
func durationOf(field string) string {
	// The first visitor message of a closed conversation.
	firstMessage := "(" + millis("closed_at") + " - resolution_time_ms)"
	started := millis("started_at")
	switch field {
	case "wait":
		return "wait_time_ms"
	case "contactFirstResponse", "conversationFirstResponse":
		return "first_response_time_ms"
	case "contactDuration", "duration":
		return "duration_ms"
	case "resolution":
		return "resolution_time_ms"
	case "handle":
		return "handle_time_ms"
	case snoozeReturn:
		return "_returns[ordinal]"
	case "waitBusinessHours":
		return business("("+started+" - wait_time_ms)", started)
	case "contactFirstResponseBusinessHours":
		return business(started, "("+started+" + first_response_time_ms)")
	case "conversationFirstResponseBusinessHours":
		return business(firstMessage, "("+firstMessage+" + first_response_time_ms)")
	case "resolutionBusinessHours":
		return business(firstMessage, millis("closed_at"))
	}
	panic(fmt.Sprintf("unknown distribution %q", field))
}
