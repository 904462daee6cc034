"""``python -m api.cli``: the ``dateline`` command without its script."""

import sys

from api.cli import main

sys.exit(main())
