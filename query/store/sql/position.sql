-- Conversations that a repair has made again (DIFFERS) do not count: the sequence of such a row may be any earlier one.
-- The position is read before what is behind it: a conversation is said to be behind before the position has passed its event.
WITH (SELECT max(sequence) FROM {projection:Identifier}.positions WHERE log = 'events') AS written
SELECT written, min(sequence)
FROM {projection:Identifier}.quarantine FINAL
WHERE log = 'conversations' AND reason = 'BEHIND'
