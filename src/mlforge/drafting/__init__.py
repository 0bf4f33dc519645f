"""A first recipe for a file of rows: what each column seems to be, and what is uncertain as a comment."""

from mlforge.drafting.draft import Draft, draft, header, recipe_name

__all__ = ["Draft", "draft", "header", "recipe_name"]
