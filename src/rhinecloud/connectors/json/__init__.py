"""JSON: documents and payloads without a specific protocol."""
