"""No password comes out of a URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regionclip.video.sources.urls import mask, path_suffix, scheme_of

SECRET = "S3cr3t密"
WRITABLE = st.text(st.characters(exclude_categories=("Z", "C")), max_size=8)
NAME = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789_-"), min_size=1, max_size=8)


@given(
    scheme=st.sampled_from(["rtsp", "http", "https", "RTSPS"]), user=NAME, before=WRITABLE, after=WRITABLE, host=NAME
)
def test_any_password_is_masked(scheme: str, user: str, before: str, after: str, host: str) -> None:
    """Also one with @, / and : that nobody escaped."""
    url = f"{scheme}://{user}:{before}{SECRET}{after}@{host}:554/live"
    for text in (url, f"{url} failed", f"[Errno 5] '{url}': no answer", f"{url} and {url}"):
        shown = mask(text)
        assert SECRET not in shown
        assert f"{scheme}://{user}:***@{host}:554/live" in shown
        assert mask(shown) == shown


@given(
    name=st.sampled_from(
        ["password", "PWD", "token", "access_token", "api_key", "key", "auth", "sig", "user=a_password"]
    ),
    value=st.text(st.characters(exclude_categories=("Z", "C"), exclude_characters="&;#'\""), max_size=8),
    place=st.sampled_from(["http://h/v?{}", "http://h/v?a=1&{}&b=2", "rtsp://h/{}&channel=1", "http://h/v?x=y;{}"]),
)
def test_any_secret_parameter_is_masked(name: str, value: str, place: str) -> None:
    shown = mask(place.format(f"{name}={value}{SECRET}"))
    assert SECRET not in shown
    assert place.format(f"{name}=***") == shown
    assert mask(shown) == shown


@given(prefix=NAME, host=NAME)
def test_the_password_is_masked_apart_from_its_url(prefix: str, host: str) -> None:
    url = f"rtsp://admin:{SECRET}%40x@{host}/live"
    shown = mask(f"{prefix}: {url} refused; login was {SECRET}@x, sent as {SECRET}%40x", url)
    assert SECRET not in shown
    assert shown.startswith(f"{prefix}: rtsp://admin:***@{host}/live refused")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yard.mp4",
        "rtsp://10.0.0.7:554/live?channel=1&subtype=0",
        "http://cam:8080/video.mjpg",
        "rtsp://viewer@cam/live",
        "keyboard=1 and monkey=2, 12:30, a@b.c",
        "摄像机 3: rtsp://h/中文",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_parts_of_urls() -> None:
    schemes = {"RTSP://h": "rtsp", "https://h": "https", "c:/x": None, "a.mp4": None, "-": None, "0": None}
    suffixes = {"http://h/a.b/c": "", "http://h/c.MP4?x=a.b": ".mp4", "http://h": "", "http://[h/x.y": ""}
    assert {text: scheme_of(text) for text in schemes} == schemes
    assert {url: path_suffix(url) for url in suffixes} == suffixes
