package store

import "fmt"

// durationOf writes the duration of a distribution, in milliseconds; NULL where a
// row has none.
func durationOf(field string) string {
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
	case "snoozeReturn":
		return "_return_time_ms"
	}
	return business(businessMoments(field))
}

// businessMoments writes the moments between which a distribution of business time is, in milliseconds.
func businessMoments(field string) (from, to string) {
	// The first visitor message of a closed conversation.
	firstMessage := "(" + millis("closed_at") + " - resolution_time_ms)"
	started := millis("started_at")
	switch field {
	case "waitBusinessHours":
		return "(" + started + " - wait_time_ms)", started
	case "contactFirstResponseBusinessHours":
		return started, "(" + started + " + first_response_time_ms)"
	case "conversationFirstResponseBusinessHours":
		return firstMessage, "(" + firstMessage + " + first_response_time_ms)"
	case "resolutionBusinessHours":
		return firstMessage, millis("closed_at")
	}
	panic(fmt.Sprintf("unknown distribution %q", field))
}
