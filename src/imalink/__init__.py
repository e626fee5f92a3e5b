"""ImaLink: a photo archive in which pictures stay ordinary files and nothing is ever lost."""

__version__ = "0.1.0"
