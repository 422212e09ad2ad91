CREATE TABLE IF NOT EXISTS parley_meta.opening_hours
(
    projects Array(UInt32) COMMENT 'Projects with a schedule, ascending; each has a lane of its own on one line of moments',
    lanes Array(Int64) COMMENT 'Where the lane of each project begins on the line, in milliseconds, as all that follows',
    begins Array(Int64) COMMENT 'First moment that the schedule of each project is known for, in its lane',
    ends Array(Int64) COMMENT 'First moment that it is not known for',
    starts Array(Int64) COMMENT 'Beginnings of the openings of all projects, in their lanes, ascending; each lane begins with an empty one',
    lengths Array(Int64) COMMENT 'How long each opening lasts',
    sums Array(Int64) COMMENT 'How long it was open before each opening, all lanes together',
    version UInt64 COMMENT 'When it was written, in Unix milliseconds; the highest counts'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY tuple()
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Opening hours of the projects, from the schedules of parley hours, for the business hours in the views'
