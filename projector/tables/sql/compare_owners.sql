SELECT DISTINCT toString($first), toString($second) FROM ($differing)
