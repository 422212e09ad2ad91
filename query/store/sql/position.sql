SELECT max(sequence)
FROM {projection:Identifier}.positions
WHERE log = 'events'
