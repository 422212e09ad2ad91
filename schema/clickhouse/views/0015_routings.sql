CREATE OR REPLACE VIEW parley.routings (
    project_id UInt32 COMMENT 'Site or brand',
    conversation_id String COMMENT 'Conversation that was routed',
    conversation_created_at DateTime64(3, 'UTC') COMMENT 'created_at of the conversation; a condition on it reads less',
    ordinal UInt32 COMMENT 'Number of the routing in its conversation, from 1',
    routed_at DateTime64(3, 'UTC') COMMENT 'When it was routed',
    routing_rule_id String COMMENT 'Routing rule that decided',
    routing_rule_name Nullable(String) COMMENT 'Name of that rule',
    routing_group_id Nullable(String) COMMENT 'Group that it was routed to; NULL if none was given',
    routing_group_name Nullable(String) COMMENT 'Name of that group'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, created_at AS conversation_created_at, toUInt32(ordinal) AS ordinal, routing.at AS routed_at,
    routing.rule_id AS routing_rule_id, routing.rule_name AS routing_rule_name,
    routing.group_id AS routing_group_id, routing.group_name AS routing_group_name
FROM (
SELECT
    project_id, conversation_id, created_at, _routing
FROM $projection.conversations FINAL
)
ARRAY JOIN _routing AS routing, arrayEnumerate(_routing) AS ordinal
COMMENT 'One row per routing event of a conversation'
