"""
The ticket systems that come with Argus, each a plugin that is found by the entry-point group `argus.tickets`.

They share one way to ask an API (`rest`) and one way to describe an incident (`wording`); a file each says what is special.
"""
