"""JSON: documents and payloads without a protocol of their own."""
