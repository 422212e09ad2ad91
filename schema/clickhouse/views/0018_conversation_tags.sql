CREATE OR REPLACE VIEW parley.conversation_tags (
    project_id UInt32 COMMENT 'Site or brand',
    conversation_id String COMMENT 'Conversation with the tag',
    conversation_created_at DateTime64(3, 'UTC') COMMENT 'created_at of the conversation; a condition on it reads less',
    ordinal UInt32 COMMENT 'Place among the tags of the conversation, from 1, in the order in which they were first added',
    tag_id String COMMENT 'Id of the tag',
    tag_name Nullable(String) COMMENT 'Latest name of the tag in the conversation'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, created_at AS conversation_created_at, toUInt32(ordinal) AS ordinal, tag_id, tag_name
FROM (
SELECT
    project_id, conversation_id, created_at, tag_ids, tag_names
FROM $projection.conversations FINAL
)
ARRAY JOIN tag_ids AS tag_id, tag_names AS tag_name, arrayEnumerate(tag_ids) AS ordinal
COMMENT 'One row per conversation and tag, at most 1,000 tags a conversation'
