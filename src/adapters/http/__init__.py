"""
The HTTP API: bytes become shapes, shapes become domain values, errors become statuses.

Handlers decode, call one use case and encode; they hold no rules.
"""
