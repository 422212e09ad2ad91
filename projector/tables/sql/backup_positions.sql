BACKUP TABLE $projection.positions TO File('positions')
