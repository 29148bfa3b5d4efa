"""A real browser for tests: Chromium without a window, driven by pages that report on themselves.

A page under test is shown in frames of given widths by a page that measures it, presses its
buttons and leaves what it saw in its own document; the browser prints that document. Pages are
served from a folder on this machine, and the browser can reach nothing else.
"""

import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --enable-logging=stderr --log-level=0 "
    "--host-resolver-rules=MAP\\0*\\0~NOTFOUND,EXCLUDE\\0localhost"
)
DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")
PROBE = """<!DOCTYPE html><title>probe</title><body style="margin:0">
<iframe id="page" src="PAGE" style="border:0;width:WIDTHpx;height:HEIGHTpx"></iframe>
<pre id="seen"></pre>
<script>
document.getElementById("page").addEventListener("load", () => {
  const frame = document.getElementById("page");
  const see = (document, window) => { BODY };
  let seen;
  try { seen = see(frame.contentDocument, frame.contentWindow); }
  catch (error) { seen = {error: String(error)}; }
  document.getElementById("seen").textContent = JSON.stringify(seen);
});
</script>
"""


def find() -> str | None:
    """The browser's command, if there is one."""
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


needs_browser = pytest.mark.skipif(
    find() is None, reason="no chromium here; Debian: apt-get install chromium"
)


@dataclass
class Site:
    """A folder served to the browser."""

    folder: Path
    port: int
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for."""
    said: list[str] = field(default_factory=list)
    """What pages said on the console, errors included."""

    def _run(self, *flags: str, page: str) -> str:
        command = find()
        assert command is not None
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            done = subprocess.run(
                [
                    command,
                    *(flag.replace("\0", " ") for flag in FLAGS.split(" ")),
                    f"--user-data-dir={profile}",
                    *flags,
                    f"http://localhost:{self.port}/{page}",
                ],
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )
        self.said += re.findall(r"CONSOLE[^\"]*\"(.*?)\", source", done.stderr)
        return done.stdout

    def see(self, page: str, width: int, script: str, *flags: str, height: int = 900) -> Any:
        """What `script`, the body of a function of (document, window), returns of a page."""
        probe = PROBE.replace("PAGE", page).replace("WIDTH", str(width))
        probe = probe.replace("HEIGHT", str(height)).replace("BODY", script)
        (self.folder / "probe.html").write_text(probe)
        size = f"--window-size={max(width, 500)},{height}"
        dom = self._run("--dump-dom", "--virtual-time-budget=5000", size, *flags, page="probe.html")
        found = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.S)
        assert found, dom[-500:]
        seen = json.loads(unescape(found[1]))
        assert not (isinstance(seen, dict) and "error" in seen), seen
        return seen

    def screenshot(self, page: str, path: Path, width: int, height: int, *flags: str) -> Path:
        """A picture of the top of a page."""
        self._run(f"--screenshot={path}", f"--window-size={width},{height}", *flags, page=page)
        return path

    def pdf(self, page: str, path: Path) -> Path:
        """A page as it is printed."""
        self._run(f"--print-to-pdf={path}", page=page)
        return path


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Serve `folder` to the browser."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(folder, server.server_address[1], asked)
        server.shutdown()
