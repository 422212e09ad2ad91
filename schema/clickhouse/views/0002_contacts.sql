CREATE OR REPLACE VIEW parley.contacts ($columns,
    snooze_return_time_ms Nullable(Int64) COMMENT 'Time from the snooze that ended it to the next push, in milliseconds; NULL if it did not end SNOOZED, was not followed by a push, or the conversation was closed before',
    in_business_hours Nullable(Bool) COMMENT 'Whether the project was open at started_at; NULL if it has no schedule for that time',
    wait_business_hours_ms Nullable(Int64) COMMENT 'The part of wait_time_ms within the business hours of the project; NULL if it has no schedule for that time',
    first_response_business_hours_ms Nullable(Int64) COMMENT 'The part of first_response_time_ms within the business hours of the project; NULL if it has no schedule for that time'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS WITH
    -- What has a name is analysed once: every statement over the view analyses all of it, whatever it reads. Of a stretch of the timeline, how
    -- long it is open, in seconds, is in the lower 32 bits, and in the upper ones how long it was open before, all lanes together, which
    -- may overflow: only differences count.
    (
        SELECT (
            arrayPushFront(any(projects), toUInt32(0)), arrayPushFront(any(lanes), toInt64(0)), arrayPushFront(any(begins), toInt64(0)),
            arrayPushFront(any(ends), toInt64(0)), arrayPushFront(any(starts), toInt64(0)),
            arrayPushFront(arrayMap((before, length) -> bitShiftLeft(intDiv(before, 1000), 32) + intDiv(length, 1000), any(sums), any(lengths)), toInt64(0)))
        FROM (
SELECT
    projects, lanes, begins, ends, starts, lengths, sums
FROM parley_meta.opening_hours FINAL
        )
    ) AS hours,
    transform(project_id, hours.1, hours.2, toInt64(0)) AS lane,
    transform(project_id, hours.1, hours.3, toInt64(0)) AS lane_begin,
    transform(project_id, hours.1, hours.4, toInt64(0)) AS lane_end,
    toUnixTimestamp64Milli(started_at) AS started,
    started - wait_time_ms AS since,
    started + first_response_time_ms AS responded,
    lane + assumeNotNull(since) AS at_since, roundDown(at_since, hours.5) AS start_since, transform(start_since, hours.5, hours.6, toInt64(0)) AS opened_since,
    least(at_since - start_since, bitAnd(opened_since, 4294967295) * 1000) AS into_since,
    lane + assumeNotNull(started) AS at_started, roundDown(at_started, hours.5) AS start_started, transform(start_started, hours.5, hours.6, toInt64(0)) AS opened_started,
    least(at_started - start_started, bitAnd(opened_started, 4294967295) * 1000) AS into_started,
    lane + assumeNotNull(responded) AS at_responded, roundDown(at_responded, hours.5) AS start_responded, transform(start_responded, hours.5, hours.6, toInt64(0)) AS opened_responded,
    least(at_responded - start_responded, bitAnd(opened_responded, 4294967295) * 1000) AS into_responded
SELECT
    * EXCEPT _return_time_ms,
    _return_time_ms AS snooze_return_time_ms,
    CAST(if(lane > 0 AND at_started >= lane_begin AND at_started < lane_end,
        toNullable(at_started - start_started < bitAnd(opened_started, 4294967295) * 1000), NULL), 'Nullable(Bool)') AS in_business_hours,
    toInt32(bitShiftRight(opened_started, 32) - bitShiftRight(opened_since, 32)) * 1000 + (into_started - into_since)
        + if(isNotNull(since) AND isNotNull(started) AND lane > 0 AND at_since <= at_started AND at_since >= lane_begin AND at_started <= lane_end,
            toNullable(toInt64(0)), NULL) AS wait_business_hours_ms,
    toInt32(bitShiftRight(opened_responded, 32) - bitShiftRight(opened_started, 32)) * 1000 + (into_responded - into_started)
        + if(isNotNull(started) AND isNotNull(responded) AND lane > 0 AND at_started <= at_responded AND at_started >= lane_begin AND at_responded <= lane_end,
            toNullable(toInt64(0)), NULL) AS first_response_business_hours_ms
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
