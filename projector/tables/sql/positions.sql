SELECT log, sequence FROM $projection.positions FINAL
