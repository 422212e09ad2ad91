SELECT count() FROM ($moved)
