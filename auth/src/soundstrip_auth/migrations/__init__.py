"""The steps that bring the database to what this version expects.

Each file is `<number>_<name>.sql` and holds one statement that does no harm when it runs twice:
MySQL cannot undo a change of tables, and a process can be killed between the step and its record.
"""
