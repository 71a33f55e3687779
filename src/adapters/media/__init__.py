"""
The ways to reach people, each a plugin that is found by the entry-point group `argus.media`.

Those that come with Argus use the same door as everyone else's, and pass the same contract, `argus_core.conformance.check_medium`.
A plugin that sends to URLs which users have given asks `outgoing` to do it, and `posting` what an answer means.
"""
