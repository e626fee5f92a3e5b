"""Composition: settings, the container that puts the parts together, and this machine's registry."""
