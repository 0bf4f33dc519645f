"""Why a bundle says what it says of a row: what each column adds, what other values would do, and which small change would turn the answer."""
