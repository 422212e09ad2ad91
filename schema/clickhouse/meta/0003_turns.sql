CREATE TABLE IF NOT EXISTS parley_meta.turns
(
    turn UInt64 COMMENT 'Number of the turn: of several inserts of one turn the first counts, see projector/tables',
    version UInt32 COMMENT 'Number of the projection: its tables are in database parley_<version>',
    state LowCardinality(String) COMMENT 'building, offered, live, kept or dropped, from this turn on',
    maker String COMMENT 'Fold, tables and flags that the rows are made with; empty for the first version',
    reason String COMMENT 'Why the state was set, where that is not plain',
    author String COMMENT 'Random: which insert this is',
    taken_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the state was set'
)
ENGINE = MergeTree
ORDER BY (turn, version)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The versions of the projection, turn by turn, and which of them is live'
