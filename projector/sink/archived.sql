SELECT xxh3(conversation_id)
FROM $projection.events
GROUP BY project_id, conversation_id
SETTINGS optimize_aggregation_in_order = 1
