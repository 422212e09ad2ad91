WITH
    (
        SELECT (argMax(conversation_id, (created_at, conversation_id)), count())
        FROM {projection:Identifier}.customer_conversations FINAL
        PREWHERE project_id = {project:UInt32} AND customer_id = {client:String}
    ) AS latest
SELECT
    conversation_id, closed_at IS NOT NULL, contact_count,
    (
        SELECT argMax(operator_id, ordinal)
        FROM {projection:Identifier}.contacts FINAL
        WHERE project_id = {project:UInt32} AND conversation_id = latest.1 AND ended_at IS NULL
    ),
    latest.2
FROM {projection:Identifier}.conversations FINAL
WHERE project_id = {project:UInt32} AND conversation_id = latest.1
