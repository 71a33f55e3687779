"""
The pages that people look at, and the assets they need: nothing is fetched from elsewhere.

A page asks the same use cases as the API does.
"""
