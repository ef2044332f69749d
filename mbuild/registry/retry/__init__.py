"""What is tried again and when, how fast a host is asked, and when a run must be over."""
