"""Images in tar archives (`oci-archive:`, `docker-archive:`), read without unpacking."""
