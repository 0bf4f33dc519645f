"""The verbs and their help lines, so that help is printed without importing any of them. A test ties the lines to the verbs' docstrings."""

from __future__ import annotations

__all__ = ["CHAPTERS", "PARTS", "VERBS"]

CHAPTERS = {
    "Write a recipe": {
        "init": "Write a first recipe for a file of rows, or what runs a recipe elsewhere",
        "ls": "List recipes, sections and the options of each",
        "cp": "Start a recipe of your own from one that is there",
        "show": "Show a composed recipe, and where each value comes from",
        "check": "Check a recipe, and report every problem at once",
    },
    "Make a model": {
        "plan": "Say what a run would do, and why",
        "run": "Run a recipe from raw rows to a registered model",
        "sweep": "Show what a sweep has tried and found",
        "runs": "List runs, or show one with its stages and outputs",
        "diff": "Compare two runs or versions: recipe, data, code and findings",
        "why": "Say why something is as it is: an alert, a gate, a run, a version, a rollback, a retraining",
    },
    "Use a model": {
        "models": "List models, or the versions of one",
        "promote": "Make a version the champion",
        "rollback": "Go back to the version that was champion before",
        "drill": "Rehearse worker death, a damaged and a slow model, a missing column and a rollback",
        "bench": "Put load on a server, and hold its latency against the objective",
        "approve": "Sign the verdict that a run waits with, or reject it",
        "reproduce": "Make a version again from its record, and compare every artifact",
        "predict": "Predict rows with a registered model",
        "monitor": "Hold new rows against what a model was built with",
        "alerts": "List alerts, acknowledge and silence them, and write rules for Prometheus",
        "watch": "Watch models: monitor their logs, retrain and roll back, as their recipes say",
        "explain": "Say why a model answers as it does, row by row",
        "package": "Write a model as a container: Dockerfile, requirements, Kubernetes manifests",
        "serve": "Serve models over HTTP",
    },
    "Administer": {
        "keys": "Make, list and revoke the keys of those who may ask a server",
        "signing": "Sign versions, and verify who has signed one",
        "plugins": "List plugins, and say what is wrong with a broken one",
        "completion": "Print what lets a shell complete verbs, recipes, keys and models",
        "doctor": "Look over this installation and project",
    },
}
"""In the order in which a person meets them."""

VERBS = {name: line for verbs in CHAPTERS.values() for name, line in verbs.items()}

PARTS = {
    "sweep": {
        "show": "Print the trials of a run's sweep, or of a recipe's newest, the best first",
    },
    "keys": {
        "new": "Make a key and print it",
        "ls": "List the keys: what each is for, and whether it is valid",
        "revoke": "Take back a key",
    },
    "alerts": {
        "ls": "List alerts: those that cost most performance first, as far as is known",
        "ack": "Say that you look after an alert: nobody is told of it again, unless it becomes worse",
        "silence": "Tell nobody of a model's alerts for a while: they are written down, and not sent",
        "rules": "Write alerting rules for Prometheus, whose Alertmanager tells people",
    },
    "signing": {
        "key": "Make a pair of keys: one that signs, and one by which others tell",
        "sign": "Sign a version with the project's key, or with another that it trusts",
        "verify": "Say who has signed a version, or the bundle in a folder",
        "export": "Write a version's signature to a file, for other tools and other machines",
    },
    "plugins": {
        "new": "Write a plugin's package, ready to be tested and published",
        "badge": "Run the contract suites over a plugin, and say which clauses hold",
    },
}
"""The verbs that have commands of their own: `mlforge plugins new` is `new` in the module `mlforge.cli.plugins_new`."""
