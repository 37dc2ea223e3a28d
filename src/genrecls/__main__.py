"""Run the command line with `python -m genrecls`."""

from genrecls.cli import main

raise SystemExit(main())
