"""What a run decides without asking anybody: the index, its plan, and whether tags may move."""
