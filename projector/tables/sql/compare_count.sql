SELECT count() FROM ($differing)
