"""
Values and pure rules: incidents and what changes them, filters, timeslots, profiles, deliveries.

Values in, values out. Time, ids and randomness are arguments; a refusal is an error whose docstring is its message.
"""
