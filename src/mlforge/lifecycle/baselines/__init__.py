"""What a candidate is held against, or taught by: models that know no features, and champions."""
