"""What a run reads before it decides: the sources, and what the target holds now."""
