"""``python -m autograd_core`` is the command ``autograd-core``."""

import sys

from autograd_core.cli import main

sys.exit(main())
