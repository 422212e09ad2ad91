SELECT
    messages.conversation_id, visitors.visitor_id, messages.author_kind, messages.author_id, messages.automatic,
    toUnixTimestamp64Milli(messages.sent_at), messages.deleted_at IS NOT NULL
FROM (
    SELECT *
    FROM {projection:Identifier}.messages FINAL
    PREWHERE project_id = {project:UInt32} AND message_id = {message:String}
    ORDER BY sent_at DESC, conversation_id
    LIMIT 1) AS messages
LEFT JOIN (
    SELECT conversation_id, toNullable(visitor_id) AS visitor_id
    FROM {projection:Identifier}.visitors FINAL
    PREWHERE project_id = {project:UInt32} AND conversation_id IN (
        SELECT conversation_id
        FROM {projection:Identifier}.messages FINAL
        PREWHERE project_id = {project:UInt32} AND message_id = {message:String})) AS visitors USING (conversation_id)
