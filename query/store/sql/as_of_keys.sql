(
        SELECT #$table# FROM {projection:Identifier}.$table AS present FINAL PREWHERE $keys WHERE #$table up to#
        UNION ALL
        SELECT #$table# FROM asof_$table WHERE $keys) AS $table
