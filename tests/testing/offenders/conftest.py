"""The report says which clauses are meant to catch each offender."""


def pytest_collection_modifyitems(items):
    for item in items:  # of the whole session, when that is more than the offenders
        if clauses := getattr(getattr(item, "cls", None), "caught_by", None):
            item.user_properties.append(("caught_by", " ".join(clauses)))
