"""The reference pages, made from the code: `make docs` writes them, and a test fails where a committed page says something else.

Nothing on these pages is kept by hand: sections, components and their fields, hooks, verbs and exit codes say themselves what they are.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import click
import yaml
from fields import defaults, described, fields, nested, parts

from mlforge import errors, hookspecs
from mlforge.cli.entry import mlforge_command
from mlforge.cli.verbs import CHAPTERS, PARTS
from mlforge.components import Component, Stage
from mlforge.contract import DTYPES, Column, Contract, Length, Role
from mlforge.plugins import Catalog, catalog
from mlforge.project import Project
from mlforge.recipe.header import Header
from mlforge.recipe.migrate import VERSION
from mlforge.sections import SECTIONS, Section
from mlforge.task import TASKS

__all__ = ["pages", "write"]

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
_HEADS = ("key", "type", "default", "what it is")
_NOTE = "<!-- Written by docs/generate.py (`make docs`); change the code, not this page. -->"


_ABOUT = """\
A recipe is YAML 1.2: only `true` and `false` are booleans, and a key that stands twice is an error. It says what differs from the
defaults of the components that it chooses. [The tutorial](../tutorial.md) writes one; [components.md](components.md) lists what
it can choose.""".splitlines()
_PARTS = """\
What a recipe says of budgets, smaller variants, serving, rollouts, retraining and the model's card. None of it is a component: the keys are always the same.
On the command line a key is written with its path, as in `mlforge serve adult serve.limits.rows=100`.""".splitlines()
_ENTRIES = """\
A section in the singular takes one component (`model: mlp`); one in the plural takes named entries (`gates: [thresholds, baseline]`),
and the option's name is the entry's name. A stage belongs to a run when the recipe has the sections that the stage needs.""".splitlines()
_REFUSED = """\
Whatever names code is refused before anything is read further: `_target_`, `_args_`, `_partial_`, `_convert_`, resolvers other than
the one above, and Hydra's own keys. Code comes in by installing a plugin, or by listing a local one in the project's settings.""".splitlines()
_TRUST = """\
What no recipe may decide stands in `mlforge.toml`, or in `pyproject.toml` under `[tool.mlforge]`: the nearest one, from the current folder upwards, and
its folder is the project. Without any, the current folder is.""".splitlines()
_SHAPE = """\
An error says where, what was found, what was expected and what to do, in at most fifteen lines; where there is more, it names the
file that has it all. Only a bug comes with a traceback.""".splitlines()
_WAYS = [
    ("`mlforge run adult trainer.max_epochs=3`", "one value, on the command line"),
    ("`mlforge run adult model=linear`", "another option; keys that both have are kept, the others are dropped and listed by `plan` and `check`"),
    ("`path: ???`", "a value that must be given: in a recipe that builds on this one, or on the command line"),
    ("`gates: {baseline: null}`", "without this inherited entry"),
    ("`gates: {strict: {use: thresholds, rules: …}}`", "a component under a name of one's own; one component may appear twice"),
    ("`defaults: [adult, {override model: linear}, _self_]`", "this recipe is another with changes"),
    ("`${oc.env:NAME}`", "a variable of the environment, where the project's settings list it under `env`"),
    ("`timeout: 2h`", "a duration: a number of seconds, or one with `ms`, `s`, `m`, `h` or `d`"),
    ("`max_rejected: 0.5%`", "a share: from 0 to 1, or a percentage"),
]

SETTINGS = {
    "plugins": ("list of modules", "`[]`", "modules of the project itself that are plugins; looked for beside the settings, and in `src/`"),
    "roots": ("list of folders and URLs", "the project's own", "folders, and URLs, below which recipes may read; what the command line names may be read too"),
    "env": ("list of names", "`[]`", "environment variables that recipes may read with `${oc.env:NAME}`"),
    "store": ("text", "`.mlforge/records.db`", "where the records lie: `postgresql+psycopg://user@host/name` or `sqlite:///path`"),
    "artifacts": ("text", "in the store's folder", "where the artifacts lie: a folder, or a URL such as `s3://bucket/folder`"),
    "hosts": ("a list", "`[]`", 'hosts in private networks, or without TLS, to which alerts may go: `["relay.internal:25"]`'),
    "roles": ("a table", "`{}`", 'who may sign as what, by role: users of the system, such as `risk = ["alice"]`; see `mlforge approve`'),
    "signing": ("a table", "none", "whose signatures count, and the key that signs: a model without one that counts is not opened; see `mlforge signing`"),
    "settings": ("a table for each plugin", "`{}`", "what plugins are told: `[tool.mlforge.settings.mlforge-mlflow]`; each checks its own keys"),
}
"""What `mlforge.toml` may say; a test holds it against what the project accepts."""

EXAMPLES = {
    "privacy/drop": {"columns": "[email]"},
    "privacy/generalise": {"columns": "[age]", "band": "10"},
    "alerts/webhook": {"url": "https://example.org/hook"},
    "privacy/pseudonymise": {"columns": "[email]", "key_env": "MLFORGE_PSEUDONYM_KEY"},
}
"""Keys of components that make sense together only."""

INDEXED = frozenset({"mlforge_components", "mlforge_register_commands"})
WRAPPED = frozenset({"mlforge_run_recipe", "mlforge_run_stage"})
OBSERVING = frozenset({"mlforge_findings", "mlforge_event"})


def pages() -> dict[str, str]:
    """Every reference page by file name."""
    own = catalog(Project(ROOT))  # a checkout has no plugins of its own, but some may be installed
    made = {"recipes.md": _recipes(), "keys.md": _keys(), "components.md": _components(own), "hooks.md": _hooks(), "cli.md": _cli(), "errors.md": _errors()}
    return {name: "\n".join([_NOTE, "", *lines]).rstrip() + "\n" for name, lines in made.items()}


def write() -> None:
    """Write the pages where they belong."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines] + [""]


# ── recipes ──────────────────────────────────────────────────────────────────


def _recipes() -> list[str]:
    keys = [
        ("`mlforge`", f"{VERSION}", "required", "version of the recipe language"),
        ("`defaults`", "list", "`[]`", "what it builds on, and the options chosen"),
    ]
    base = (ROOT / "conf" / "lifecycle.yaml").read_text(encoding="utf-8").splitlines()[1:]
    return [
        *["# Recipes", "", *_ABOUT, ""],
        *["## Keys of a recipe", "", *table(_HEADS, [*keys, *described(Header)])],
        *["Those whose type is a name have keys of their own: the contract's stand below, all others in [keys.md](keys.md).", ""],
        *["`lifecycle`, in `defaults`, gives what every recipe has:", "", "```yaml", *base, "```", ""],
        *["## Sections", "", *_ENTRIES, "", *table(("section", "takes", "when it is not listed", "what it is"), [_section(one) for one in SECTIONS.values()])],
        *["## The contract", "", *table(_HEADS, described(Contract))],
        *["Each entry of `columns` has these keys:", "", *table(_HEADS, described(Column))],
        *["The keys of `length`:", "", *table(_HEADS, described(Length))],
        *[f"**dtypes**: {', '.join(f'`{name}`' for name in DTYPES)}, and arrays such as `array[float, 8x8]`.", ""],
        *[f"**roles**: {', '.join(f'`{name}`' for name in get_args(Role))}. Only `feature` columns reach the model.", ""],
        *["## Tasks", "", *table(("task", "targets", "dtypes of the target", "two models are compared by"), [_task(name) for name in TASKS])],
        *["## Writing values", "", *table(("write", "to say"), _WAYS), *_REFUSED, ""],
        *["## Settings of a project", "", *_TRUST, "", *table(_HEADS, [(f"`{name}`", *rest) for name, rest in SETTINGS.items()])],
        *["## Recipes that come along", "", *table(("recipe", "what it does"), _shipped())],
    ]


def _keys() -> list[str]:
    """The keys of a recipe that are no component and no column: with all that stands below them."""
    lines = ["# Keys of recipes with parts", "", *_PARTS, ""]
    for path, model in parts(Header):
        if path.partition(".")[0] != "contract":
            lines += [f"{'##' if '.' not in path else '###'} {path}", "", *_paragraphs(model), "", *table(_HEADS, described(model))]
    return lines


def _section(section: Section) -> tuple[str, ...]:
    without = ", ".join(section.default) if section.default else "its stages are left out" if section.name != "stages" else "every stage with its defaults"
    return f"`{section.name}`", f"{section.kind.__name__}{', by entry' if section.plural else ''}", without, section.what


def _task(name: str) -> tuple[str, ...]:
    task = TASKS[name]
    low, high = task.targets
    return f"`{name}`", f"{low}" if low == high else f"{low} to {high}", ", ".join(sorted(task.target_dtypes)), f"`{task.headline}`"


def _shipped() -> list[tuple[str, ...]]:
    return [(f"`{path.stem}`", path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")) for path in sorted((ROOT / "recipes").glob("*.yaml"))]


# ── components ───────────────────────────────────────────────────────────────


def _components(own: Catalog) -> list[str]:
    lines = ["# Components", "", "What comes with mlforge, by section. `mlforge ls` lists these and what your plugins add.", ""]
    for section in SECTIONS.values():
        lines += [f"## {section.name}", "", f"{section.what[0].upper()}{section.what[1:]}.", ""]
        if section.kind is Stage:
            lines += ["Every stage has these keys:", "", *table(_HEADS, described(Stage))]
        for option, provided in own.options(section.name).items():
            if provided.plugin == "mlforge":  # plugins that are installed here have pages of their own
                lines += _component(section, option, own.load(section.name, option))
    return lines


def _component(section: Section, option: str, kind: type[Component]) -> list[str]:
    lines = [f"### {section.name}: {option}", "", *_paragraphs(kind), ""]
    if needed := kind.requires:
        lines += [f"Needs {', '.join(f'`{name}`' for name in needed)}.", ""]
    if issubclass(kind, Stage):
        lines += [_stage(kind), ""]
    lines += ["```yaml", *example(section, option, kind), "```", ""]
    if used := [f"`{name}`" for name, chosen in chosen_by_recipes().items() if f"{section.name}/{option}" in chosen]:
        lines += [f"In the recipes {', '.join(used)}." if len(used) > 1 else f"In the recipe {used[0]}.", ""]
    own = [row for row in described(kind) if section.kind is not Stage or row not in described(Stage)]
    if section.kind is not Stage or own:
        lines += table(_HEADS, own) if own else ["It has no keys.", ""]
    for model in nested(kind):
        lines += [f"`{model.__name__}`: {summary_of(model)}", "", *table(_HEADS, described(model))]
    return lines


def _paragraphs(kind: type) -> list[str]:
    return inspect.cleandoc(kind.__doc__ or "").splitlines()


def summary_of(kind: type) -> str:
    """The first line of a docstring."""
    return (kind.__doc__ or "").strip().partition("\n")[0]


def _stage(kind: type[Stage]) -> str:
    ports = [("Needs the sections", kind.needs), ("reads also", kind.reads), ("takes", tuple(kind.inputs)), ("makes", tuple(kind.outputs))]
    told = [f"{what} {', '.join(f'`{name}`' for name in names)}" for what, names in ports if names]
    return "; ".join([*told, *(["an effect, done once"] if kind.effect else [])]) + "."


def example(section: Section, option: str, kind: type[Component]) -> list[str]:
    """A piece of a recipe that chooses the component: what must be given, or else the first key with its default."""
    given = {name: "???" for name, info in fields(kind).items() if info.is_required()} or EXAMPLES.get(f"{section.name}/{option}")
    given = given or dict(list(defaults(kind).items())[:1])
    inside = "{" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}"
    if section.name == "stages":
        return [f"stages: {{{option}: {inside}}}"]
    values = f"{section.name}: {{{option}: {inside}}}" if section.plural else f"{section.name}: {inside}"
    return [f"defaults: [{{{section.name}: {f'[{option}]' if section.plural else option}}}, _self_]", *([values] if given else [])]


@cache
def chosen_by_recipes() -> Mapping[str, frozenset[str]]:
    """What each shipped recipe lists in its defaults, as "section/option"."""
    texts = {path.stem: path.read_text(encoding="utf-8").replace("???", "'???'") for path in sorted((ROOT / "recipes").glob("*.yaml"))}
    return {name: frozenset(_chosen(yaml.safe_load(text))) for name, text in texts.items()}


def _chosen(recipe: Mapping[str, Any]) -> Iterator[str]:
    for section, options in ((key, value) for item in recipe.get("defaults", ()) if isinstance(item, dict) for key, value in item.items()):
        yield from (f"{section.removeprefix('override ')}/{option}" for option in ([options] if isinstance(options, str) else options or ()))


# ── hooks ────────────────────────────────────────────────────────────────────


def _hooks() -> list[str]:
    lines = ["# Hooks", "", *inspect.cleandoc(hookspecs.__doc__ or "").splitlines(), "", f"The version of these hooks is `API = {hookspecs.API}`.", ""]
    for name, signature in signatures().items():
        hook = getattr(hookspecs, name)
        text = inspect.cleandoc(hook.__doc__ or "")
        rule = "the first result that is not None counts" if hook.mlforge_spec["firstresult"] else "every plugin's is called"
        process = "a process of its own, while the index is built" if "process of its own" in text else "the process that drives the run"
        lines += [f"## {name}", "", "```python", signature, "```", "", *text.splitlines(), ""]
        lines += [f"Process: {process}. Results: {rule}. Errors: {_broken(name)}.", ""]
    return lines


def _broken(name: str) -> str:
    """What becomes of an error in a hook."""
    if name in INDEXED:
        return "the plugin is listed as broken, with the reason"
    if name in WRAPPED:
        return "a warning when a wrapper breaks; one that takes the work over fails as the work does"
    return "a warning, and the run goes on" if name in OBSERVING else "the command fails, and names the plugin"


def signatures() -> dict[str, str]:
    """The exact signature of every hook, as it is written."""
    tree = ast.parse(inspect.getsource(hookspecs))
    return {node.name: _signature(node) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("mlforge_")}


def _signature(node: ast.FunctionDef) -> str:
    return f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else 'None'}"


# ── the command line ─────────────────────────────────────────────────────────


def _cli() -> list[str]:
    lines = ["# The command line", "", *_command(mlforge_command, "mlforge"), "Every verb has `--help`. [Exit codes](errors.md) say how a command ended.", ""]
    for chapter, verbs in CHAPTERS.items():
        lines += [f"## {chapter}", ""]
        for name in verbs:
            lines += [f"### mlforge {name}", "", *_command(command(name), f"mlforge {name}")]
            for part in PARTS.get(name, ()):
                lines += [f"#### mlforge {name} {part}", "", *_command(command(name, part), f"mlforge {name} {part}")]
    return lines


def command(name: str, part: str = "") -> click.Command:
    """The click command of a verb, or of one of its parts."""
    found = getattr(import_module(f"mlforge.cli.{name}_{part}" if part else f"mlforge.cli.{name}"), part or "command")
    assert isinstance(found, click.Command)
    return found


def _command(verb: click.Command, path: str) -> list[str]:
    with click.Context(verb, info_name=path) as context:
        usage = verb.collect_usage_pieces(context)
        rows = [record for one in verb.params if isinstance(one, click.Option) and (record := one.get_help_record(context))]
    prose, examples = _help(verb)
    shown = ["```sh", *examples, "```", ""] if examples else []
    options = [(f"`{option}`", text) for option, text in rows]
    return ["```", " ".join([path, *usage]), "```", "", *prose, "", *shown, *(table(("option", "what it does"), options) if options else [])]


def _help(verb: click.Command) -> tuple[list[str], list[str]]:
    """A verb's help: its sentences, and its examples (which stand after click's mark for text that is not wrapped)."""
    prose, _, examples = inspect.cleandoc(verb.help or "").partition("\b\n")
    return prose.strip().splitlines(), examples.strip().splitlines()


# ── errors ───────────────────────────────────────────────────────────────────


def _errors() -> list[str]:
    rows = [("0", "", "Done."), ("1", "", "A bug in mlforge: a traceback, and where to report it."), *_codes()]
    return [
        *["# Errors and exit codes", "", *_SHAPE, "", *table(("exit code", "error", "meaning"), rows)],
        *["The errors are in `mlforge.errors`, and all derive from `MlforgeError`. A plugin raises them as mlforge does.", ""],
    ]


def _codes() -> Iterator[tuple[str, ...]]:
    kinds: Mapping[str, Any] = {name: getattr(errors, name) for name in errors.__all__}
    found = [kind for kind in kinds.values() if isinstance(kind, type) and issubclass(kind, errors.MlforgeError) and kind is not errors.MlforgeError]
    yield from ((str(kind.exit_code), f"`{kind.__name__}`", summary_of(kind)) for kind in sorted(found, key=lambda kind: kind.exit_code))


if __name__ == "__main__":
    write()
