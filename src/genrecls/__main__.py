"""Run the command line with `python -m genrecls`."""

from genrecls.cli.main import main

raise SystemExit(main())
