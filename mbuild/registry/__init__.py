"""The distribution API over httpx: manifests and blobs, authentication, retries."""
