"""A page in a headless Chromium: what is laid out where, in which colours, and what it loads."""

import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

TIMEOUT_SECONDS = 90

# Runs in a page beside the one that is looked at, which has no script of its own and allows none.
# Contrast is WCAG 2's ratio (https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio).
PROBE = """<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">
<iframe id="page" src="%s" style="border:0;width:%dpx;height:2000px"></iframe><pre id="out"></pre>
<script>
const luminance = (c) => {
  const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map((v) => {
    v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const background = (view, e) => {
  for (; e; e = e.parentElement) {
    const c = view.getComputedStyle(e).backgroundColor;
    if (c !== 'rgba(0, 0, 0, 0)') return c;
  }
  return 'rgb(255, 255, 255)';
};
const contrast = (view, e) => {
  const a = luminance(view.getComputedStyle(e).color), b = luminance(background(view, e));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};
document.getElementById('page').onload = () => {
  const view = document.getElementById('page').contentWindow, page = view.document;
  const all = (s) => [...page.querySelectorAll(s)];
  const outside = [];
  for (const svg of all('svg')) {
    const box = svg.getBoundingClientRect();
    for (const e of svg.querySelectorAll('rect, text, path')) {
      const b = e.getBoundingClientRect();
      if (b.left < box.left - 2 || b.right > box.right + 2 || b.top < box.top - 2 ||
          b.bottom > box.bottom + 2) outside.push(e.textContent || e.tagName);
    }
  }
  const faint = all('h1, h2, h3, p, td, th, dt, dd, summary, code, pre, span, b')
    .filter((e) => e.textContent.trim() && contrast(view, e) < 4.5).map((e) => e.textContent);
  document.getElementById('out').textContent = JSON.stringify({
    title: page.title, width: page.documentElement.clientWidth,
    scroll_width: page.documentElement.scrollWidth,
    headings: all('h1, h2').map((e) => e.textContent),
    plots: all('svg').map((e) => e.getAttribute('aria-label')),
    background: view.getComputedStyle(page.body).backgroundColor,
    rows: all('tr').map((e) => [...e.children].map((c) => c.textContent)),
    notes: all('.note').map((e) => e.textContent),
    outside, faint,
    loaded: view.performance.getEntriesByType('resource').map((e) => e.name)});
};
</script>
"""


def find():
    """The browser's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which(
        "google-chrome")


def look(path, width=1200, dark=False):
    """What the probe above found on the page at `path`."""
    with tempfile.TemporaryDirectory(prefix="lite2pg-browser-", ignore_cleanup_errors=True) as home:
        probe = pathlib.Path(home, "probe.html")
        probe.write_text(PROBE % (pathlib.Path(path).resolve().as_uri(), width))
        command = [find(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update",
                   "--disable-sync", "--disable-dev-shm-usage", "--allow-file-access-from-files",
                   "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={home}/profile",
                   f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                   f"--window-size={width + 40},2100", "--virtual-time-budget=5000", "--dump-dom",
                   probe.as_uri()]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=TIMEOUT_SECONDS, check=False,
                              env={**os.environ, "HOME": home})
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S)
    if not found or not found[1]:
        raise RuntimeError(f"no answer from the browser: {done.stderr[-2000:]}\n{done.stdout[-500:]}")
    return json.loads(html.unescape(found[1]))
