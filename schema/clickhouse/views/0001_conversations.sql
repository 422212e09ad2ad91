CREATE OR REPLACE VIEW parley.conversations ($columns,
    in_business_hours Nullable(Bool) COMMENT 'Whether the project was open at created_at; NULL if it has no schedule for that time',
    first_response_business_hours_ms Nullable(Int64) COMMENT 'The part of first_response_time_ms within the business hours of the project; NULL if it has no schedule for that time, or while the conversation is open',
    resolution_business_hours_ms Nullable(Int64) COMMENT 'The part of resolution_time_ms within the business hours of the project; NULL if it has no schedule for that time'
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
    *,
    CAST(open_at(toUnixTimestamp64Milli(created_at)), 'Nullable(Bool)') AS in_business_hours,
    open_between(toUnixTimestamp64Milli(closed_at) - resolution_time_ms, toUnixTimestamp64Milli(closed_at) - resolution_time_ms + first_response_time_ms) AS first_response_business_hours_ms,
    open_between(toUnixTimestamp64Milli(closed_at) - resolution_time_ms, toUnixTimestamp64Milli(closed_at)) AS resolution_business_hours_ms
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
