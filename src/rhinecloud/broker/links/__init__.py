"""Linked entities (clause 4.5.23): joins in responses, expressions that follow relationships, and batched look-ups."""
