"""What people see of a rehearsal: the screen while it runs, then a table and a report."""
