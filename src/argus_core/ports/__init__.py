"""
What the domain asks of the world: stores, media, identity and a clock, as Protocols.

A docstring here is the promise that an implementer makes and a caller may rely on.
"""
