"""
A living installation to look at: people, sources, a month of history, and a simulated network that keeps reporting.

`network` is what there is, `stories` what goes wrong with it and what people do about it. `history` lets a month of it happen through the
domain's own transitions, `simulation` lets it go on through the HTTP API. `command` puts them together.
"""
