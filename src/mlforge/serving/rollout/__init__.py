"""How one version takes over from another while requests come in: canary, shadow, fallback, rollback."""
