"""Whether all that a published image needs is there."""
