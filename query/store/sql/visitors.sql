SELECT project_id, conversation_id, visitor_id, external_id, first_name, last_name, email, phone
FROM {projection:Identifier}.visitors FINAL
PREWHERE $keys
