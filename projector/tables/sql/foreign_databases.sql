SELECT name || ' has the engine ' || engine FROM system.databases
WHERE (name IN ('parley', 'parley_meta') OR match(name, '^parley_[0-9]+$')) AND engine NOT IN ('Atomic', 'Shared')
ORDER BY name
