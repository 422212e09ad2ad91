-- Conversations whose number of events, or first or last sequence, differs from the archive.
SELECT count()
FROM parley.conversations AS conversation
INNER JOIN (
    SELECT project_id, conversation_id, count() AS events, min(sequence) AS first, max(sequence) AS last
    FROM parley.events
    GROUP BY project_id, conversation_id) AS archive
ON archive.project_id = conversation.project_id AND archive.conversation_id = conversation.conversation_id
WHERE event_count != events OR first_sequence != first OR last_sequence != last
