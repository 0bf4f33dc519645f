"""`mlforge watch`: monitoring, retraining and rollback as one process."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from threading import Event, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import Interrupted, MlforgeError, RecipeError

if TYPE_CHECKING:
    from mlforge.recipe import Recipe
    from mlforge.store import Store
    from mlforge.watching.watch import Watch

__all__ = ["command"]

_LOOK = 60.0  # seconds between two looks, where the recipe does not say


@click.command("watch")
@click.argument("recipes", nargs=-1, metavar="[RECIPE]... [KEY=VALUE]...")
@click.option("--once", is_flag=True, help="Do what is due now, and end: for cron and CI.")
@store_option
def command(recipes: tuple[str, ...], once: bool, store: str | None) -> None:
    """Watch models: monitor their logs, retrain and roll back, as their recipes say.

    The recipe's monitors judge the request log, alerts are sent, a model is trained again when the section retrain says so, and a promoted version that does
    badly is rolled back (rollout.rollback). Whatever begins is written down first: killed anywhere, the same command goes on, and nothing is done twice. A
    recipe is composed as when its newest version was made by hand, unless overrides are given. Without a recipe, every model of the store is watched whose
    recipe says how.

    \b
    mlforge watch
    mlforge watch adult source.path=data/adult.csv
    mlforge watch adult --once
    """
    overrides = tuple(text for text in recipes if "=" in text)
    named = tuple(text for text in recipes if text not in overrides)
    if overrides and len(named) != 1:
        raise click.UsageError("Overrides are of one recipe: name it, and no other.")
    place = Workplace.here()
    watches = [_watch(place, name, overrides, store) for name in named] or _declared(place, store)
    with _stops() as over:
        for watch in watches:
            watch.over = over
        if once:
            raise SystemExit(_once(watches, over))
        _forever(watches, over)


def _declared(place: Workplace, store: str | None) -> list[Watch]:
    from mlforge.watching.declared import declaring

    opened = place.existing(store)
    watches = []
    for model in declaring(opened):
        try:
            watches.append(_watch(place, model, (), store))
        except RecipeError as error:
            _say(f"{model}  is not looked after: {' '.join(str(error).split())[:300]}")
    if not watches:
        raise RecipeError(
            "there is nothing to look after: no model of this store has a recipe with the section retrain", hint="Name a recipe, or add retrain to one."
        )
    return watches


def _watch(place: Workplace, name: str, overrides: tuple[str, ...], store: str | None) -> Watch:
    from mlforge.watching.watch import Watch

    recipe, opened = _composed(place, name, overrides, store)
    rollback = recipe.rollout is not None and recipe.rollout.rollback is not None
    looked = bool(recipe.sections.get("monitors")) and recipe.serve is not None and recipe.serve.log is not None
    if recipe.retrain is None and not rollback and not looked:
        hint = "Say when it is trained again, as in retrain: {when: {schedule: {cron: '0 3 * * mon'}}}"
        raise RecipeError(
            f"{name}: there is nothing to look after: the recipe has neither retrain, nor rollout.rollback, nor monitors with serve.log", hint=hint
        )
    return Watch(recipe, name, opened, place.project, place.catalog, place.hooks, _say)


def _composed(place: Workplace, name: str, overrides: tuple[str, ...], named: str | None) -> tuple[Recipe, Store]:
    """The recipe with the overrides that are given, else with those that its newest version was made with by hand; and its store."""
    from mlforge.watching.declared import own_overrides

    store = place.store(named)
    own = overrides or own_overrides(store, name)
    recipe = place.recipe(name, own, for_run=True)
    if named is None and recipe.store is not None:
        store = place.store(recipe.store)
    if not overrides and (later := own_overrides(store, recipe.name)) != own:
        recipe = place.recipe(name, later, for_run=True)
    return recipe, store


def _once(watches: list[Watch], over: Event) -> int:
    """What is due now; the first exit code that is not 0."""
    from mlforge.store import Taken

    codes = []
    for watch in watches:
        try:
            with watch.store.lock(f"watch.{watch.model}"):
                codes.append(_turned(watch, datetime.now(UTC)))
        except Taken as error:
            _say(f"{watch.model}  is looked after already: {str(error).splitlines()[0]}")
        _left(watches, over)
    return next((code for code in codes if code), 0)


def _turned(watch: Watch, now: datetime) -> int:
    """One turn; who has asked for it by hand is told so when nothing was due."""
    quiet = True

    def say(text: str) -> None:
        nonlocal quiet
        quiet = False
        _say(text)

    watch.say = say
    code = watch.turn(now)
    if quiet and not watch.over.is_set():
        _say(watch.idle(now))
    return code


def _forever(watches: list[Watch], over: Event) -> None:
    """Turn after turn, until a signal ends it."""
    held: set[str] = set()
    waiting: set[str] = set()
    due = dict.fromkeys((watch.model for watch in watches), 0.0)
    _say(f"looking after {', '.join(watch.model for watch in watches)}; Ctrl-C ends it")
    with ExitStack() as locks:
        while not over.is_set():
            for watch in watches:
                if time.monotonic() >= due[watch.model] and not over.is_set():
                    _turn(watch, locks, held, waiting)
                    due[watch.model] = time.monotonic() + (watch.recipe.retrain.every if watch.recipe.retrain is not None else _LOOK)
            over.wait(max(min(due.values()) - time.monotonic(), 0.0))
        _left([watch for watch in watches if watch.model in held], over)
    _say("stopped")


def _left(watches: list[Watch], over: Event) -> None:
    """Interrupted when this process was told to stop within a retraining."""
    begun = [one for watch in watches for one in watch.store.triggers.of(watch.model) if one.state == "begun"] if over.is_set() else []
    if begun:
        raise Interrupted(f"stopped in retraining {begun[0].number} of {begun[0].model}", hint="The same command continues from there.")


@contextmanager
def _stops() -> Iterator[Event]:
    """Set by the first signal to stop, at which nothing is torn apart; the second interrupts whatever is done."""
    over = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if over.is_set():
            raise KeyboardInterrupt
        over.set()

    here = current_thread() is main_thread()  # elsewhere whoever has called says when it is over
    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)} if here else {}
    try:
        yield over
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)


def _turn(watch: Watch, locks: ExitStack, held: set[str], waiting: set[str]) -> None:
    """Look after one model, if no other process does. What goes wrong with one is told, and harms no other."""
    from mlforge.store import Taken

    try:
        if watch.model not in held:
            locks.enter_context(watch.store.lock(f"watch.{watch.model}"))
            held.add(watch.model)
        watch.turn(datetime.now(UTC))
    except MlforgeError as error:
        if watch.model not in held and isinstance(error, Taken):
            if watch.model not in waiting:
                _say(f"{watch.model}  is looked after already, and this process stands by: {str(error).splitlines()[0]}")
            waiting.add(watch.model)
            return
        _say(f"{watch.model}  {' '.join(str(error).splitlines()[:2])}")


def _say(text: str) -> None:
    click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}  {text}")
