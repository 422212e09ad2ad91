CREATE OR REPLACE VIEW parley.state_changes (
    project_id UInt32 COMMENT 'Site or brand',
    conversation_id String COMMENT 'Conversation whose state changed',
    conversation_created_at DateTime64(3, 'UTC') COMMENT 'created_at of the conversation; a condition on it reads less',
    change String COMMENT 'CREATED; CLOSED and REOPENED in turns; SNOOZED and RESUMED in turns, where a push or a close resumes; UNATTENDED and ATTENDED in turns, where an answer or a close attends to it',
    ordinal UInt32 COMMENT 'Number among the changes of this kind in its conversation, from 1',
    changed_at DateTime64(3, 'UTC') COMMENT 'When it changed'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, created_at AS conversation_created_at, state.1 AS change, toUInt32(state.2) AS ordinal, state.3 AS changed_at
FROM (
SELECT
    project_id, conversation_id, created_at, closed_at, _turns, _snoozed, _unattended
FROM $projection.conversations FINAL
)
ARRAY JOIN arrayConcat(
    [('CREATED', toUInt64(1), created_at)],
    arrayMap((at, n) -> (if(n % 2 = 1, 'CLOSED', 'REOPENED'), toUInt64(intDiv(n + 1, 2)), at), _turns, arrayEnumerate(_turns)),
    if(closed_at IS NULL, [], [('CLOSED', toUInt64(intDiv(length(_turns), 2) + 1), assumeNotNull(closed_at))]),
    arrayMap((at, n) -> (if(n % 2 = 1, 'SNOOZED', 'RESUMED'), toUInt64(intDiv(n + 1, 2)), at), _snoozed, arrayEnumerate(_snoozed)),
    arrayMap((at, n) -> (if(n % 2 = 1, 'UNATTENDED', 'ATTENDED'), toUInt64(intDiv(n + 1, 2)), at), _unattended, arrayEnumerate(_unattended))) AS state
COMMENT 'One row per change of state of a conversation. Open conversations at a time: those created or reopened less those closed before it'
