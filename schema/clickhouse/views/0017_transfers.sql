CREATE OR REPLACE VIEW parley.transfers (
    project_id UInt32 COMMENT 'Site or brand',
    conversation_id String COMMENT 'Conversation that was transferred',
    conversation_created_at DateTime64(3, 'UTC') COMMENT 'created_at of the conversation; a condition on it reads less',
    event_id String COMMENT 'Event that transferred it',
    transferred_at DateTime64(3, 'UTC') COMMENT 'When it was transferred',
    from_user_id Nullable(Int64) COMMENT 'Operator who transferred it',
    from_user_kind LowCardinality(Nullable(String)) COMMENT 'Kind of that operator, if given',
    from_user_name Nullable(String) COMMENT 'Name of that operator, if given',
    to_user_id Nullable(Int64) COMMENT 'Operator it was transferred to',
    to_user_kind LowCardinality(Nullable(String)) COMMENT 'Kind of that operator, if given',
    to_user_name Nullable(String) COMMENT 'Name of that operator, if given',
    to_routing_rule_id Nullable(String) COMMENT 'Routing rule it was transferred to',
    to_routing_rule_name Nullable(String) COMMENT 'Name of that rule',
    to_routing_group_id Nullable(String) COMMENT 'Routing group it was transferred to',
    to_routing_group_name Nullable(String) COMMENT 'Name of that group'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, created_at AS conversation_created_at, transfer.event_id AS event_id, transfer.at AS transferred_at,
    transfer.from_id AS from_user_id, transfer.from_kind AS from_user_kind, transfer.from_name AS from_user_name,
    transfer.to_id AS to_user_id, transfer.to_kind AS to_user_kind, transfer.to_name AS to_user_name,
    transfer.to_rule_id AS to_routing_rule_id, transfer.to_rule_name AS to_routing_rule_name,
    transfer.to_group_id AS to_routing_group_id, transfer.to_group_name AS to_routing_group_name
FROM (
SELECT
    project_id, conversation_id, created_at, _transfers
FROM $projection.conversations FINAL
)
ARRAY JOIN _transfers AS transfer
COMMENT 'One row per transfer event, also of those without an open contact. A push to another operator that ends a contact is a transfer of contacts only: ending_inferred'
