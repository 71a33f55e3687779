"""Neutral data sets, folders of CSV and JSON that belong to no program, become a database of Argus. docs/importing.md describes them."""
