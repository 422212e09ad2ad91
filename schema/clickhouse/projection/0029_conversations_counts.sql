ALTER TABLE $projection.conversations
    ADD COLUMN IF NOT EXISTS tag_count UInt32 DEFAULT length(tag_ids) COMMENT 'Tags on the conversation; tag_ids lists at most the first 1,000' AFTER tag_names,
    ADD COLUMN IF NOT EXISTS user_count UInt32 DEFAULT length(user_ids) COMMENT 'Operators who took part; user_ids lists at most the first 1,000' AFTER user_ids