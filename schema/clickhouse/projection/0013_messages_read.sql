ALTER TABLE $projection.messages
    ADD COLUMN IF NOT EXISTS read_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the other side first read it; NULL while unread' AFTER automatic,
    ADD COLUMN IF NOT EXISTS deleted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was deleted; it still counts as sent' AFTER read_at
