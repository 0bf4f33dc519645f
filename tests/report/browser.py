"""A page in a real browser: what a script says of it, without a network, a driver or a window."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["AXE", "said", "wider"]

OPENED = "document.querySelectorAll('details').forEach(one => { one.open = true; });"
AXE = OPENED + "axe.run().then(told => { tell(told.violations.map(one => [one.id, one.nodes.slice(0, 3).map(node => node.html.slice(0, 120))])); });"


def said(page: str, script: str, folder: Path, *, library: str = "", width: int = 1280) -> Any:
    """What the script has told by calling `tell`, as JSON, after the page was loaded."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no chromium to look at pages with")
    tell = "function tell(what) { document.title = 'told ' + JSON.stringify(what); }"
    added = f"<script>{library}</script><script>{tell} addEventListener('load', () => {{ {script} }});</script>"
    path = folder / "page.html"
    path.write_text(page.replace("</body>", f"{added}</body>"), encoding="utf-8")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=20000",
        f"--window-size={width},1000",
        "--dump-dom",
        path.as_uri(),
    ]
    done = subprocess.run([*command, f"--user-data-dir={folder / 'profile'}"], capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r"<title>told (.*?)</title>", done.stdout, re.DOTALL)
    assert found is not None, f"the page has told nothing: {done.stdout[:300]} {done.stderr[-300:]}"
    return json.loads(html.unescape(found[1]))


def wider(page: str, width: int, folder: Path) -> list[str]:
    """What reaches beyond the right edge of a page so wide: read in a frame, for no window is narrower than 500 pixels."""
    script = f"""
      const frame = document.createElement('iframe'); frame.width = {width}; frame.height = 900; frame.style.border = '0';
      frame.srcdoc = {json.dumps(page).replace("</", "<" + chr(92) + "/")};
      frame.onload = () => {{
        const inner = frame.contentDocument, far = [];
        inner.querySelectorAll('details').forEach(one => {{ one.open = true; }});
        inner.querySelectorAll('body *').forEach(one => {{
          const inside = one.closest('.wide') && getComputedStyle(one.closest('.wide')).overflowX === 'auto' && !one.matches('.wide');
          if (!inside && one.getBoundingClientRect().right > {width} + 0.5) far.push(one.tagName + ' ' + (one.textContent || '').slice(0, 40)); }});
        tell(far.slice(0, 10)); }};
      document.body.appendChild(frame);"""
    told: list[str] = said("<!doctype html><html><body></body></html>", script, folder)
    return told
