SELECT count() > 0 FROM parley_meta.turns WHERE turn = {turn:UInt64} AND author = {author:String}
