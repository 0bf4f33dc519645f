"""From a verdict to a version: who must sign, the version, its card."""
