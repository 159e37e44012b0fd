"""What was true when: `port` is the contract; the hot table in SQLite keeps the recent past."""
