"""UDP: datagrams, which may be lost."""
