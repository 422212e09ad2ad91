SELECT
    project_id, _id,
    argMax(_kind, last_sequence), argMax(_name, last_sequence), argMax(_email, last_sequence)
FROM {projection:Identifier}.conversations FINAL
ARRAY JOIN _users.id AS _id, CAST(_users.kind, 'Array(String)') AS _kind, _users.name AS _name, _users.email AS _email
WHERE $where
GROUP BY project_id, _id
ORDER BY $order
LIMIT {limit:UInt32}
