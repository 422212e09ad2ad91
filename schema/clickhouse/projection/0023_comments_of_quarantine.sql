ALTER TABLE $projection.quarantine
    COMMENT COLUMN log 'Log that sequence belongs to: events, or rejected for events rejected on receipt',
    COMMENT COLUMN sequence 'Sequence in that log',
    COMMENT COLUMN received_at 'When that log accepted it',
    COMMENT COLUMN source 'CloudEvents source, if readable',
    COMMENT COLUMN event_id 'CloudEvents id, if readable',
    COMMENT COLUMN original 'The original bytes. May contain personal data',
    MODIFY COMMENT 'Rejected events, with the reason'
