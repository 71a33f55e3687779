"""
The domain of Argus: what an incident is, what may happen to it, and who hears of it.

It needs the standard library and nothing else, and knows neither HTTP nor SQL. Read `domain` first, then `ports`, then `usecases`;
`memory` holds complete stores for embedders and tests, `conformance` the suites that every store and medium has to pass.
"""
