INSERT INTO $projection.messages (project_id, conversation_id, message_id, sent_at, author_kind, _version)
SELECT 7, concat('c-', toString(intDiv(number, 10))), concat('m-', toString(number)), toDateTime64(number, 3, 'UTC'), 'VISITOR', number + 1
FROM numbers(1000000)
