SELECT count() > 0 FROM $projection.message_texts
