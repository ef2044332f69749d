"""An OCI archive as a target: staged in a folder beside it, and packed when its tags move."""
