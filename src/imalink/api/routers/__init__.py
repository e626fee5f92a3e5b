"""The routes, by resource: each checks its request, calls a workflow and spells what that reports."""
