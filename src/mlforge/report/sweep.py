"""What a sweep has found, on a page: importance as bars, trials as lines through their values, and a table."""

from __future__ import annotations

from mlforge.report.figures import number
from mlforge.report.markup import sheet, table, text
from mlforge.report.view import SweepView, TrialView

__all__ = ["sweep_lines", "sweep_sheet"]

_WIDTH, _HEIGHT, _EDGE = 960, 300, 70  # of the drawing, in its own units
_BAR = 420
_MOST = 60  # trials in the table, the best first
_DRAWN = 400  # trials that are drawn: more would be a blot


def sweep_sheet(sweep: SweepView) -> str:
    """The section of a page. Everything that comes from a recipe is escaped, and secrets are masked."""
    chosen = f'<p class="lead">Trial {sweep.chosen}: <code>{text(" ".join(sweep.overrides))}</code></p>'
    parts = [chosen, _bars(sweep), _lines(sweep), _front(sweep), _table(sweep)]
    return sheet("Sweep", "".join(parts))


def sweep_lines(sweep: SweepView) -> list[tuple[str, ...]]:
    """The table as rows of text, its titles first."""
    titles = ("trial", *(finding for _, finding, _ in sweep.goals), *sweep.axes, "state", "")
    return [titles, *(_cells(one, sweep) for one in _ordered(sweep))]


def _ordered(sweep: SweepView) -> list[TrialView]:
    """The best first; then those that were given up, then those that failed."""
    sign = 1 if sweep.goals[0][2] == "min" else -1
    return sorted(sweep.trials, key=lambda one: (not one.objectives, sign * one.objectives[0] if one.objectives else 0.0, one.state == "failed", one.number))


def _cells(one: TrialView, sweep: SweepView) -> tuple[str, ...]:
    marks = [word for word, so in (("chosen", one.number == sweep.chosen), ("front", one.pareto and len(sweep.goals) > 1)) if so]
    marks += [f"went on from {one.parent}"] if one.parent is not None else []
    figures = [number(value) for value in one.objectives] or [""] * len(sweep.goals)
    return (str(one.number), *figures, *one.values, one.state, " · ".join([*marks, *([one.reason] if one.reason else [])]))


def _bars(sweep: SweepView) -> str:
    """Importance, the most important first."""
    ordered = sorted(sweep.importance.items(), key=lambda item: -item[1])
    rows = []
    for place, (key, share) in enumerate(ordered):
        y = 22 * place
        rows.append(
            f'<text x="180" y="{y + 14}" text-anchor="end">{text(key)}</text><rect x="190" y="{y + 3}" width="{max(1.0, _BAR * share):.1f}" height="14"/>'
            f'<text x="{196 + _BAR * share:.1f}" y="{y + 14}">{share:.0%}</text>'
        )
    height = 22 * len(ordered)
    title = f"how much of the variance of {sweep.goals[0][1]} each value alone explains"
    svg = f'<svg class="plot" role="img" aria-label="importance" viewBox="0 0 {_WIDTH} {height}">{"".join(rows)}</svg>'
    return f'<p class="soft">{text(title[0].upper() + title[1:])}.</p>{svg}'


def _lines(sweep: SweepView) -> str:
    """Parallel coordinates: an axis for each value and one for the first objective; the darker a line, the better the trial."""
    done = [one for one in _ordered(sweep) if one.objectives][:_DRAWN]
    if not done:
        return ""
    values = [one.objectives[0] for one in done]
    low, high = min(values), max(values)
    titles = [*sweep.axes, sweep.goals[0][1]]
    ends = [*sweep.ends, (number(low), number(high))]
    step = (_WIDTH - 2 * _EDGE) / max(1, len(titles) - 1)
    drawn = [_axis(_EDGE + place * step, title, ends[place]) for place, title in enumerate(titles)]
    paths = []
    for rank, one in reversed(list(enumerate(done))):
        places = [*one.places, (one.objectives[0] - low) / (high - low) if high > low else 0.5]
        points = " ".join(f"{_EDGE + place * step:.1f},{_level(share):.1f}" for place, share in enumerate(places))
        weight = "best" if one.number == sweep.chosen else ""
        strength = 1.0 if weight else round(0.15 + 0.55 * (1 - rank / max(1, len(done) - 1)), 2)
        paths.append(f'<polyline class="{weight}" points="{points}" style="opacity:{strength}"><title>trial {one.number}</title></polyline>')
    svg = f'<svg class="plot" role="img" aria-label="trials" viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(paths)}{"".join(drawn)}</svg>'
    return f'<p class="soft">Each line is a trial that came to its end; the stronger, the better. The chosen one stands out.</p>{svg}'


def _front(sweep: SweepView) -> str:
    """The first objective against the second, such as accuracy against latency; trials that no other beats in both are joined."""
    done = [one for one in sweep.trials if len(one.objectives) > 1][:_DRAWN]
    if len(sweep.goals) < 2 or not done:
        return ""
    across, up = ([one.objectives[place] for one in done] for place in (1, 0))
    spots = {one.number: (_EDGE + _share(one.objectives[1], across) * (_WIDTH - 2 * _EDGE), _level(_share(one.objectives[0], up))) for one in done}
    best = sorted(spots[one.number] for one in done if one.pareto)
    line = f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in best)}"/>' if len(best) > 1 else ""
    dots = []
    for one in done:
        x, y = spots[one.number]
        kind = "chosen" if one.number == sweep.chosen else "front" if one.pareto else ""
        said = " · ".join(f"{finding} {number(value)}" for (_, finding, _), value in zip(sweep.goals, one.objectives, strict=True))
        dots.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{6 if kind else 4}"><title>trial {one.number}: {text(said)}</title></circle>')
    names = [f"{finding} ({'less' if goal == 'min' else 'more'} is better)" for _, finding, goal in sweep.goals[:2]]
    words = [
        (_EDGE, 14, "start", "name", f"↑ {names[0]}"), (_WIDTH - _EDGE, _HEIGHT - 4, "end", "name", f"{names[1]} →"),
        (_EDGE - 8, _level(0) + 4, "end", "", number(min(up))), (_EDGE - 8, _level(1) + 4, "end", "", number(max(up))),
        (_EDGE, _level(0) + 18, "start", "", number(min(across))), (_WIDTH - _EDGE, _level(0) + 18, "end", "", number(max(across))),
    ]  # fmt: skip
    labels = "".join(f'<text class="{kind}" x="{x}" y="{y:.1f}" text-anchor="{anchor}">{text(word)}</text>' for x, y, anchor, kind, word in words)
    frame = f'<line x1="{_EDGE}" x2="{_EDGE}" y1="{_level(0)}" y2="{_level(1)}"/><line x1="{_EDGE}" x2="{_WIDTH - _EDGE}" y1="{_level(0)}" y2="{_level(0)}"/>'
    svg = f'<svg class="plot" role="img" aria-label="objectives" viewBox="0 0 {_WIDTH} {_HEIGHT}">{frame}{line}{"".join(dots)}{labels}</svg>'
    return f'<p class="soft">Each dot is a trial. Those in colour, which a line joins, are beaten by no other in both; the green one was chosen.</p>{svg}'


def _share(value: float, of: list[float]) -> float:
    low, high = min(of), max(of)
    return (value - low) / (high - low) if high > low else 0.5


def _level(share: float) -> float:
    return _HEIGHT - 40 - share * (_HEIGHT - 80)


def _axis(x: float, title: str, ends: tuple[str, str]) -> str:
    low, high = _level(0), _level(1)
    words = ((title, high - 22, "name"), (ends[1], high - 6, ""), (ends[0], low + 16, ""))
    labels = "".join(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{text(word)}</text>' for word, y, kind in words)
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>{labels}'


def _table(sweep: SweepView) -> str:
    titles, *rows = sweep_lines(sweep)
    body = [f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows[:_MOST]]
    more = f'<p class="soft">and {len(rows) - _MOST} more: <code>mlforge sweep show</code> lists all</p>' if len(rows) > _MOST else ""
    return table(titles, body) + more
