SELECT project_id, contact_id, _version
FROM {projection:Identifier}.contacts FINAL
WHERE $where
