"""How the database came to be what `tables` describes: one step for each change of the schema."""
