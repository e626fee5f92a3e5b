"""The REST API: words in, words out. Requests are checked, workflows called, and their reports spelled as JSON."""
