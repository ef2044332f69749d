"""What a run writes, in its order: children, index, tags; and the proof of it."""
