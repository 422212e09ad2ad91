CREATE TABLE IF NOT EXISTS parley_meta.projections
(
    version UInt32 COMMENT 'Number of the projection: its tables are in database parley_<version>',
    state LowCardinality(String) COMMENT 'live, building, kept or dropped',
    changed_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the state was set',
    _version UInt64 COMMENT 'Higher wins'
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The versions of the projection and which of them is live'
