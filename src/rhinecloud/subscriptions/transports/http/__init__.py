"""Notifications over HTTP/1.1: pooled connections, deadlines, and requests written in batches."""
