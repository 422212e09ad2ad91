ALTER TABLE $projection.contacts
    MODIFY COLUMN _campaign_id LowCardinality(Nullable(String)),
    MODIFY COLUMN _campaign_name LowCardinality(Nullable(String)),
    MODIFY COLUMN _tag_ids Array(LowCardinality(String)),
    MODIFY COLUMN _tag_names Array(LowCardinality(Nullable(String)))
SETTINGS alter_sync = 0