CREATE OR REPLACE VIEW parley.conversations ($columns,
    in_business_hours Nullable(Bool) COMMENT 'Whether the project was open at created_at; NULL if it has no schedule for that time',
    first_response_business_hours_ms Nullable(Int64) COMMENT 'The part of first_response_time_ms within the business hours of the project; NULL if it has no schedule for that time, or while the conversation is open',
    resolution_business_hours_ms Nullable(Int64) COMMENT 'The part of resolution_time_ms within the business hours of the project; NULL if it has no schedule for that time'
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
    toUnixTimestamp64Milli(closed_at) AS until,
    until - resolution_time_ms AS since,
    since + first_response_time_ms AS responded,
    lane + assumeNotNull(toUnixTimestamp64Milli(created_at)) AS at_created, roundDown(at_created, hours.5) AS start_created, transform(start_created, hours.5, hours.6, toInt64(0)) AS opened_created,
    least(at_created - start_created, bitAnd(opened_created, 4294967295) * 1000) AS into_created,
    lane + assumeNotNull(since) AS at_since, roundDown(at_since, hours.5) AS start_since, transform(start_since, hours.5, hours.6, toInt64(0)) AS opened_since,
    least(at_since - start_since, bitAnd(opened_since, 4294967295) * 1000) AS into_since,
    lane + assumeNotNull(responded) AS at_responded, roundDown(at_responded, hours.5) AS start_responded, transform(start_responded, hours.5, hours.6, toInt64(0)) AS opened_responded,
    least(at_responded - start_responded, bitAnd(opened_responded, 4294967295) * 1000) AS into_responded,
    lane + assumeNotNull(until) AS at_until, roundDown(at_until, hours.5) AS start_until, transform(start_until, hours.5, hours.6, toInt64(0)) AS opened_until,
    least(at_until - start_until, bitAnd(opened_until, 4294967295) * 1000) AS into_until
SELECT
    *,
    CAST(if(lane > 0 AND at_created >= lane_begin AND at_created < lane_end,
        toNullable(at_created - start_created < bitAnd(opened_created, 4294967295) * 1000), NULL), 'Nullable(Bool)') AS in_business_hours,
    toInt32(bitShiftRight(opened_responded, 32) - bitShiftRight(opened_since, 32)) * 1000 + (into_responded - into_since)
        + if(isNotNull(since) AND isNotNull(responded) AND lane > 0 AND at_since <= at_responded AND at_since >= lane_begin AND at_responded <= lane_end,
            toNullable(toInt64(0)), NULL) AS first_response_business_hours_ms,
    toInt32(bitShiftRight(opened_until, 32) - bitShiftRight(opened_since, 32)) * 1000 + (into_until - into_since)
        + if(isNotNull(since) AND isNotNull(until) AND lane > 0 AND at_since <= at_until AND at_since >= lane_begin AND at_until <= lane_end,
            toNullable(toInt64(0)), NULL) AS resolution_business_hours_ms
FROM (
SELECT
    project_id, conversation_id, created_at, closed_at, first_closed_at, duration_ms,
    channel, language, initiator, visitor_id, campaign_id, campaign_name, custom_data,
    contact_count, snooze_count, transfer_count, reopen_count, anomaly_count,
    answered, answered_by_human, automation_level, abandoned,
    first_response_time_ms, resolution_time_ms, first_resolution_time_ms,
    handle_time_ms, human_handle_time_ms, snooze_time_ms,
    visitor_message_count, operator_message_count,
    customer_satisfaction, net_promoter_score, satisfaction_comment, satisfaction_answered_at,
    tag_ids, tag_names, tag_count, user_ids, user_count, revenue, transaction_count, close_reason,
    event_count, first_sequence, last_sequence
FROM $projection.conversations FINAL
)
COMMENT $comment
