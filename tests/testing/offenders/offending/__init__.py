"""A plugin of components that each break one clause of a contract suite. Never install it."""

from mlforge.hookspecs import hookimpl

TABLE = {
    "source": {
        "general": "Undescribed Undocumented Changeable Lenient Forgetful Unshowable Objecting Littering Threading Holding Telling Kindless",
        "heavy": "Heavy",
        "slow": "Slow",
        "sources": "Shuffling Eager Lumping Fickle Hashed Blindfolded Tracing Losing Crashing Constant",
    },
    "split": {"splitters": "Dropping Testless Wavering Positional Permuting Tearing Fragile"},
    "privacy": {"protections": "Varying Private Transparent Rude"},
    "features": {"transforms": "Drawing Overflowing Leaking Logarithm Centring Nameless Needy Insisting Peeking Deaf"},
    "model": {"models": "Narrow Seeding Urandom Relative Dead Stuck Branching Unsaved", "estimators": "Pickling Doubling Amnesiac Weightless"},
    "trainer": {"trainers": "Dated Careless Curveless Leaving"},
    "observers": {"fitting": "Amnesic Echoing"},
    "loggers": {"fitting": "Mute"},
    "cluster": {"fitting": "Repeating"},
    "sweep": {"fitting": "Adrift"},
    "evaluators": {
        "probes": "Undeclared Averaging Counting Clocked Brittle Nan Verbose Prefixed Hoarding Alone Grabbing",
    },
    "gates": {"gates": "Generous Negated Secretive Anonymous Moody Unannounced"},
    "perturbations": {"treatments": "Neighbourly Inventing Widening Idle"},
    "mitigations": {"treatments": "Endless Beyond Overdrawn Nominal"},
    "exporters": {"exporters": "Bent Stamped Located Coded Loosened Spilling"},
    "stages": {"stages": "Ticking Chatty Rambling"},
}


@hookimpl
def mlforge_components():
    return {
        f"{section}/bad_{name.lower()}": f"offending.{module}:{name}"
        for section, modules in TABLE.items()
        for module, names in modules.items()
        for name in names.split()
    }
