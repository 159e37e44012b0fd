"""The changes of the state on their way: from the store's log to the stream, and from the stream to what follows it."""
