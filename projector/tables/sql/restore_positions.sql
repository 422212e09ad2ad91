RESTORE TABLE $projection.positions FROM File('positions')
