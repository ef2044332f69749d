"""From results to what people and programs read: text, JSON, metadata files."""
