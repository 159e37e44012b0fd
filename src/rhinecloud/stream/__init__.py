"""The stream of changes: `port` is the contract, `jetstream` the engine, `server` the nats-server child process."""
