"""Values of the OCI and Docker image formats: no I/O, only text and bytes to values and back."""
