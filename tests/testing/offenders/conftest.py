"""The report says which clauses are meant to catch each offender."""


def pytest_collection_modifyitems(items):
    for item in items:
        item.user_properties.append(("caught_by", " ".join(item.cls.caught_by)))
