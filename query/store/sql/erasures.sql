SELECT sequence
FROM {projection:Identifier}.events
PREWHERE $where
WHERE JSONHas(original, 'parleyorigin')
