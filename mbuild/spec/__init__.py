"""From YAML text to a Spec: what is to be published, or every problem that is in the way."""
