"""
How Argus meets the world.

Each folder speaks one technology, and none of them imports another. The files beside them put everything together and may import all.
"""
