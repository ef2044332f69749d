"""Requests and answers over connections: ways out, redirects, bounds, translated failures."""
