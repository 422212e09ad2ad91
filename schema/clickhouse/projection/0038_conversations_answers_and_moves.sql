ALTER TABLE $projection.conversations
    ADD COLUMN IF NOT EXISTS first_closed_at Nullable(DateTime64(3, 'UTC'))
        DEFAULT arrayFirstOrNull((at, type) -> type = 'parley.conversation.closed.v1', arrayMap(m -> tupleElement(m, 'at'), _marks), arrayMap(m -> tupleElement(m, 'type'), _marks))
        COMMENT 'Time of the very first close; it stays when the conversation is reopened' AFTER closed_at,
    ADD COLUMN IF NOT EXISTS satisfaction_answered_at Nullable(DateTime64(3, 'UTC'))
        COMMENT 'Time of the latest answer to a satisfaction question; NULL without one' AFTER satisfaction_comment,
    ADD COLUMN IF NOT EXISTS _operators Array(Tuple(id Int64, kind LowCardinality(String), name Nullable(String)))
        ALIAS arrayMap(u -> (tupleElement(u, 'id'), tupleElement(u, 'kind'), tupleElement(u, 'name')), _users)
        COMMENT 'Operators who took part, without their e-mail',
    ADD COLUMN IF NOT EXISTS _snoozes Array(Tuple(event_id String, at DateTime64(3, 'UTC'), until Nullable(DateTime64(3, 'UTC')), from_id Nullable(Int64), from_kind LowCardinality(Nullable(String)), from_name Nullable(String)))
        ALIAS arrayMap(m -> (tupleElement(m, 'event_id'), tupleElement(m, 'at'), tupleElement(m, 'until'), tupleElement(m, 'from_id'), tupleElement(m, 'from_kind'), tupleElement(m, 'from_name')), arrayFilter(m -> tupleElement(m, 'type') = 'parley.conversation.snoozed.v1', _marks))
        COMMENT 'Snooze events in fold order',
    ADD COLUMN IF NOT EXISTS _transfers Array(Tuple(event_id String, at DateTime64(3, 'UTC'), from_id Nullable(Int64), from_kind LowCardinality(Nullable(String)), from_name Nullable(String), to_id Nullable(Int64), to_kind LowCardinality(Nullable(String)), to_name Nullable(String), to_rule_id Nullable(String), to_rule_name Nullable(String), to_group_id Nullable(String), to_group_name Nullable(String)))
        ALIAS arrayMap(m -> (tupleElement(m, 'event_id'), tupleElement(m, 'at'), tupleElement(m, 'from_id'), tupleElement(m, 'from_kind'), tupleElement(m, 'from_name'), tupleElement(m, 'to_id'), tupleElement(m, 'to_kind'), tupleElement(m, 'to_name'), tupleElement(m, 'to_rule_id'), tupleElement(m, 'to_rule_name'), tupleElement(m, 'to_group_id'), tupleElement(m, 'to_group_name')), arrayFilter(m -> tupleElement(m, 'type') = 'parley.conversation.transferred.v1', _marks))
        COMMENT 'Transfer events in fold order'
