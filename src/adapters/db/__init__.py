"""
The stores on PostgreSQL: tables, the journal, accounts, migrations, and the server that Argus brings along.

Rows become domain values here and nowhere else; SQL decides nothing but "version equal" and "key unique".
"""
