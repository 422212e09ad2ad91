ALTER TABLE $projection.contacts
    ADD COLUMN IF NOT EXISTS _initiator LowCardinality(Nullable(String)) COMMENT 'initiator of its conversation' AFTER _transaction_count,
    ADD COLUMN IF NOT EXISTS _custom_data Map(LowCardinality(String), LowCardinality(String)) COMMENT 'custom_data of its conversation. May be personal data' AFTER _initiator,
    ADD COLUMN IF NOT EXISTS _return_time_ms Nullable(Int64) COMMENT 'Time from the snooze that ended it to the next push, in milliseconds; NULL if it did not end SNOOZED, was not followed by a push, or was closed before' AFTER _custom_data
