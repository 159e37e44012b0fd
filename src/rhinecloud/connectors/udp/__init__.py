"""UDP: datagrams that arrive, or do not."""
