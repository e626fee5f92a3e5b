"""The command line: words in, words out; every decision is made below."""
