"""The changes of the state: from the store's log to the stream, and from the stream to those that follow it."""
