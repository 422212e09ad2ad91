# The end of a failed `go test -v`: what each failed test printed, then its name. Reads the log twice.
function cut(line) { return length(line) > 400 ? substr(line, 1, 400) "..." : line }

NR == FNR { if (/^ *--- FAIL: /) failed[$3]; next }
/^=== (RUN|CONT|NAME) / { test = $3; next }
/^(FAIL|panic:|fatal error:)/ { last[++lines] = cut($0) }
/^ *--- FAIL: / { last[++lines] = cut($0) }
test in failed && !/^( *---|=== |time=)/ && printed[test]++ < 30 { print cut(test ": " $0) }
END { for (i = 1; i <= lines; i++) print last[i] }
