SELECT
    project_id, conversation_id, count(),
    countIf(author_kind = 'VISITOR' AND read_at IS NULL),
    countIf(author_kind != 'VISITOR' AND read_at IS NULL),
    argMaxOrNullIf(message_id, _position, author_kind = 'VISITOR' AND read_at IS NOT NULL),
    argMaxOrNullIf(message_id, _position, author_kind != 'VISITOR' AND read_at IS NOT NULL),
    argMaxOrNull(message_id, _position)
FROM {projection:Identifier}.messages FINAL
PREWHERE $keys
GROUP BY project_id, conversation_id
