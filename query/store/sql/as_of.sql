(
        SELECT #$table# FROM {projection:Identifier}.$table AS present FINAL WHERE #$table up to#
        UNION ALL
        SELECT #$table# FROM asof_$table) AS $table
