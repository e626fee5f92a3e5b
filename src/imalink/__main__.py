"""``python -m imalink``."""

from imalink.cli.main import main

main()
