SELECT uniqExact(project_id, arrayJoin(_users.id))
FROM {projection:Identifier}.conversations FINAL
WHERE $where
