"""What a describer is asked, in both languages, and the words that mean yes and no."""

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["en", "zh"]

CAPTION: Final[Mapping[Language, str]] = {
    "en": "Describe what is in the middle of this picture in one sentence.",
    "zh": "用一句话描述图片中间的内容。",
}
WHOLE: Final[Mapping[Language, str]] = {
    "en": "Describe this picture in one sentence.",
    "zh": "用一句话描述这张图片。",
}
READ: Final[Mapping[Language, str]] = {
    "en": "Write down all text that can be read in this picture, and nothing else.",
    "zh": "写出图片中能看清的全部文字，不要写其他内容。",
}
SUMMARY: Final[Mapping[Language, str]] = {
    "en": "These pictures are frames of one video, in order. Say in a few sentences what happens.",
    "zh": "这些图片是同一段视频的画面，按时间顺序排列。用几句话说明发生了什么。",
}
NAME: Final[Mapping[Language, str]] = {
    "en": "What is in the middle of this picture? Answer with its name only.",
    "zh": "图片中间是什么？只回答名称。",
}
# A phrase fits into these whatever its grammar: a noun, a crowd, a state.
VERIFY: Final[Mapping[Language, str]] = {
    "en": "Does the middle of this picture show this: {label}? Answer yes or no.",
    "zh": "图片中间显示的是这个吗：{label}？请回答是或否。",
}
VERIFY_WHOLE: Final[Mapping[Language, str]] = {
    "en": "Does this picture show this: {label}? Answer yes or no.",
    "zh": "这张图片里有这个吗：{label}？请回答是或否。",
}

YES: Final[Mapping[Language, tuple[str, ...]]] = {"en": ("Yes", "yes", "YES"), "zh": ("是", "对", "有")}
NO: Final[Mapping[Language, tuple[str, ...]]] = {"en": ("No", "no", "NO"), "zh": ("否", "不", "没")}
