"""One module per thing a user can do, each plan → apply → report."""
