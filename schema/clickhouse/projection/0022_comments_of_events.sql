ALTER TABLE $projection.events
    COMMENT COLUMN time 'When the event happened',
    COMMENT COLUMN sequence 'Sequence in the log',
    COMMENT COLUMN received_at 'When the log accepted it',
    COMMENT COLUMN original 'The event exactly as the log stores it. Personal data',
    MODIFY COMMENT 'One row per accepted event: the archive from which conversations are folded again'
