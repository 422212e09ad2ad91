ALTER TABLE $projection.messages
    COMMENT COLUMN message_id 'Id of the message within its conversation',
    COMMENT COLUMN contact_id 'Contact that was open; NULL if none was',
    COMMENT COLUMN automatic 'Whether the system sent it on behalf of the author',
    COMMENT COLUMN deleted_at 'When it was deleted; a deleted message still counts as sent',
    MODIFY COMMENT 'One row per message; texts are in message_texts'
