CREATE OR REPLACE VIEW parley.contacts ($columns,
    snooze_return_time_ms Nullable(Int64) COMMENT 'Time from the snooze that ended it to the next push, in milliseconds; NULL if it did not end SNOOZED, was not followed by a push, or the conversation was closed before',
    in_business_hours Nullable(Bool) COMMENT 'Whether the project was open at started_at; NULL if it has no schedule for that time',
    wait_business_hours_ms Nullable(Int64) COMMENT 'The part of wait_time_ms within the business hours of the project; NULL if it has no schedule for that time',
    first_response_business_hours_ms Nullable(Int64) COMMENT 'The part of first_response_time_ms within the business hours of the project; NULL if it has no schedule for that time'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS WITH
    (
        SELECT (
            arrayPushFront(any(projects), toUInt32(0)), arrayPushFront(any(lanes), toInt64(0)), arrayPushFront(any(begins), toInt64(0)),
            arrayPushFront(any(ends), toInt64(0)), arrayPushFront(any(starts), toInt64(0)), arrayPushFront(any(lengths), toInt64(0)),
            arrayPushFront(any(sums), toInt64(0)))
        FROM (
SELECT
    projects, lanes, begins, ends, starts, lengths, sums
FROM parley_meta.opening_hours FINAL
        )
    ) AS hours,
    transform(project_id, hours.1, hours.2, toInt64(0)) AS lane,
    transform(project_id, hours.1, hours.3, toInt64(0)) AS lane_begin,
    transform(project_id, hours.1, hours.4, toInt64(0)) AS lane_end,
    (at -> transform(roundDown(at, hours.5), hours.5, hours.7, toInt64(0))
        + least(at - roundDown(at, hours.5), transform(roundDown(at, hours.5), hours.5, hours.6, toInt64(0)))) AS open_before,
    ((from, to) -> if(isNotNull(from) AND isNotNull(to) AND lane > 0 AND from <= to AND lane + from >= lane_begin AND lane + to <= lane_end,
        toNullable(open_before(lane + assumeNotNull(to)) - open_before(lane + assumeNotNull(from))), NULL)) AS open_between,
    (at -> if(lane > 0 AND lane + at >= lane_begin AND lane + at < lane_end,
        toNullable(lane + at - roundDown(lane + at, hours.5) < transform(roundDown(lane + at, hours.5), hours.5, hours.6, toInt64(0))), NULL)) AS open_at
SELECT
    * EXCEPT _return_time_ms,
    _return_time_ms AS snooze_return_time_ms,
    CAST(open_at(toUnixTimestamp64Milli(started_at)), 'Nullable(Bool)') AS in_business_hours,
    open_between(toUnixTimestamp64Milli(started_at) - wait_time_ms, toUnixTimestamp64Milli(started_at)) AS wait_business_hours_ms,
    open_between(toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(started_at) + first_response_time_ms) AS first_response_business_hours_ms
FROM (
SELECT
    project_id, conversation_id, contact_id, ordinal, channel, started_at, ended_at, duration_ms,
    status, ending, ending_inferred, close_reason, wait_time_ms, first_response_time_ms,
    visitor_message_count, operator_message_count,
    operator_id, operator_kind, operator_name, operator_email,
    routing_rule_id, routing_rule_name, routing_group_id, routing_group_name, _return_time_ms
FROM $projection.contacts FINAL
)
COMMENT $comment
