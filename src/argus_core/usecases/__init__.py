"""
The order of steps: read through a port, let the domain decide, write through a port.

No rules and no SQL live here.
"""
