"""The page of `regionclip web` in a headless Chromium that reaches nothing but this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import find_browser
from playwright.sync_api import Page, Route, sync_playwright
from waiting import until

from regionclip.detector import Detector
from regionclip.serve.listening import Server, listen
from regionclip.web.running import run

SECONDS = 30_000
"""Most milliseconds that anything on the page may take."""


@contextmanager
def served(detector: Detector, language: str = "auto") -> Iterator[str]:
    """The address of a page that asks a detector, served by a thread of this process."""
    servers: list[Server] = []
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(
            target=run, args=(detector, listener), kwargs={"language": language, "ready": servers.append}
        )
        thread.start()
        until(lambda: bool(servers) and servers[0].started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        servers[0].should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def chromium(*options: str, locale: str = "en-US") -> Iterator[tuple[Page, list[str]]]:
    """A page, and the addresses outside of this machine that it asked for, none of which it got."""
    asked: list[str] = []

    def judge(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", *options])
        context = browser.new_context(locale=locale, viewport={"width": 1440, "height": 1200}, accept_downloads=True)
        context.set_default_timeout(SECONDS)
        page = context.new_page()
        page.route("**/*", judge)
        yield page, asked
        browser.close()


def ask(page: Page, picture: Path | None, *words: str) -> str:
    """Choose a picture, if any, write words, press the button; the line that is said then."""
    if picture is not None:
        page.set_input_files("#picture input[type=file]", picture)
        page.wait_for_selector("#picture img")
    page.fill("#words textarea", "\n".join(words))
    page.wait_for_timeout(500)  # what the page asks for when it is loaded is over, as it is for people
    before = page.inner_text("#status")
    page.click("#find")
    page.wait_for_function("before => document.querySelector('#status').innerText !== before", arg=before)
    return page.inner_text("#status")


def table(page: Page) -> list[list[str]]:
    """The texts of the table, row by row, the head first."""
    page.wait_for_selector("#table [role=gridcell]")
    rows = page.locator("#table [role=row]").filter(visible=True).all()
    return [
        [cell.strip() for cell in row.locator("[role=columnheader], [role=gridcell]").all_inner_texts()] for row in rows
    ]
