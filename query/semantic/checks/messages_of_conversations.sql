-- Messages without a conversation.
SELECT count() FROM parley.messages WHERE (project_id, conversation_id) NOT IN (SELECT project_id, conversation_id FROM parley.conversations)
