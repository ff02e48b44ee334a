"""Sentences around a noun phrase: what people write when they ask a machine to look for something."""

from typing import Literal

import numpy as np

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "open": (
            "please", "now", "ok", "could you", "can you", "hey", "i want to", "i need to", "i would like to", "try to",
            "go and", "help me", "can we", "do", "let me", "hello , please", "next ,", "quickly", "first",
        ),
        "verb": (
            "find", "detect", "locate", "show me", "look for", "search for", "mark", "highlight", "point out", "track",
            "label", "spot", "identify", "see", "check for", "give me", "draw a frame around", "watch", "select", "box",
        ),
        "where": (
            "in the picture", "in the image", "in this photo", "in the scene", "here", "on the floor", "over there",
            "in the background", "in front", "on the ground", "nearby", "in view", "on the left", "on the right",
            "in the middle", "right now", "in this video", "on the street", "in the room", "outside", "in the corner",
        ),
        "close": ("please", "thanks", "thank you", "for me", "now", "again", "if any", "if there is one", "quickly"),
        "show": (
            "a photo of", "a picture of", "an image of", "a shot of", "a blurry photo of", "a drawing of",
            "a frame with",
            "a dark photo of", "a bad photo of", "a rendering of", "this is", "it is", "here is", "that is", "i see",
            "we have", "it shows", "it looks like", "there is", "this must be", "an image showing",
        ),
        "ask": ("is there", "where is", "can you see", "do you see", "what about", "is that", "have you got"),
    },
    "zh": {
        "open": (
            "请", "请你", "麻烦", "现在", "帮我", "帮忙", "可以", "你能", "我想", "我要", "快", "先", "来", "给我",
            "再",
            "劳驾", "你好请", "让我们", "请帮忙", "我们要",
        ),
        "verb": (
            "找到", "找出", "检测", "标出", "显示", "查找", "识别", "看看", "圈出", "定位", "寻找", "查看", "框出",
            "搜索", "跟踪", "选中", "看一下", "找", "检查",
        ),
        "where": (
            "图中的", "画面里的", "照片里的", "场景中的", "这里的", "地上的", "前面的", "那边的", "图片中的",
            "视频里的",
            "左边的", "右边的", "旁边的", "街上的", "房间里的", "角落里的", "中间的", "镜头里的", "现场的",
        ),
        "which": (
            "所有", "每一个", "每个", "全部", "任何", "这个", "那个", "一个", "几个", "一些", "某个", "那些", "这些",
        ),
        "close": ("谢谢", "吧", "一下", "好吗", "在哪里", "在哪儿", "的位置", "有没有", "吗", "出来", "了", "呢"),
        "show": (
            "一张照片拍的是", "这是", "那是", "这里有", "画面中有", "图片显示", "我看见", "有", "场景中有",
            "出现了",
            "可以看到", "拍到了", "这张照片是", "看到", "图像显示的是",
        ),
        "ask": ("有没有", "哪里有", "能看到", "你看见", "这是不是", "有几个", "是否有"),
        "after": ("的照片", "的图片", "的图像", "的画面", "的特写", "在这里", "在那边", "在地上", "在画面中", "在左边"),
    },
}  # fmt: skip

_FILLERS: dict[str, tuple[str, ...]] = {
    "en": (
        "about", "actually", "all", "also", "always", "am", "and", "another", "around", "as", "at", "away", "back",
        "be",
        "been", "before", "but", "by", "come", "could", "did", "does", "done", "down", "each", "even", "ever", "every",
        "everywhere", "few", "for", "from", "further", "get", "going", "good", "got", "has", "have", "he", "her", "his",
        "how", "if", "into", "its", "just", "keep", "kindly", "know", "last", "later", "like", "long", "look", "made",
        "make", "many", "may", "maybe", "me", "might", "more", "most", "much", "must", "my", "need", "never", "new",
        "next", "nice", "no problem", "of", "off", "often", "old", "only", "other", "our", "out", "own", "perhaps",
        "possible", "really", "said", "same", "say", "she", "should", "simply", "since", "so", "somewhere",
        "soon", "still", "such", "sure", "take", "tell", "than", "their", "them", "then", "they", "think", "through",
        "time", "to", "today", "together", "too", "toward", "two", "under", "until", "up", "us", "use", "very", "want",
        "was", "well", "went", "were", "what", "when", "whether", "which", "while", "who", "why", "will", "would",
        "yes",
        "yesterday", "yet", "you", "your",
    ),
    "zh": (
        "也", "都", "就", "还", "又", "很", "太", "更", "最", "已经", "正在", "刚才", "马上", "常常", "可能", "应该",
        "必须",
        "需要", "知道", "觉得", "希望", "喜欢", "开始", "以后", "以前", "今天", "昨天", "明天", "时候", "一起", "一直",
        "如果", "因为", "所以", "但是", "虽然", "或者", "而且", "然后", "不过", "关于", "按照", "为了", "从", "到",
        "向",
        "把", "被", "让", "给", "和", "跟", "对", "比", "您", "他", "她", "它", "我们", "大家", "自己", "什么", "怎么",
        "为什么", "多少", "真的", "其实", "当然", "大概", "好像", "似乎", "特别", "非常", "比较", "稍微", "仔细",
        "赶紧",
        "慢慢", "随便", "尽量", "重新", "继续", "告诉", "注意", "要是", "远处", "近处", "附近", "上面", "下面", "后面",
        "周围", "到处", "每天", "说", "想", "走", "拿", "放", "用", "做", "来", "去", "过", "着", "得", "地", "啊",
    ),
}  # fmt: skip

UNSEEN: dict[str, tuple[str, ...]] = {
    "en": (
        "please show me every {} you can see",
        "would you mind pointing at the {}",
        "raise an alarm whenever the {} appears",
        "does this frame contain the {}",
        "zoom in on the {}",
        "a close-up of the {}",
        "what we were hoping to catch is the {}",
        "the {} someone left behind this morning",
        "let us focus on the {}",
        "everybody seems worried about the {}",
    ),
    "zh": (
        "请帮我把图里的{}都找出来",
        "能不能指一下{}",
        "麻烦标注{}的坐标",
        "要是出现{}就立刻通知我",
        "盯住{}别放过",
        "这张图究竟有没有拍到{}",
        "把镜头对准{}",
        "数一数总共多少{}",
        "离入口最近的{}",
        "谁能指出{}",
    ),
}
"""Sentences that training never makes: the figures on them tell how free a user may be."""

_ALWAYS_AN = "aeio"
_A_ALL_THE_SAME = ("one", "uni", "uav", "uku", "use", "eu")


def article(noun: str) -> str:
    """`a` or `an`, by the first letters: "an umbrella", "a uav"."""
    vowel = noun[:1] in _ALWAYS_AN or (noun[:1] == "u" and not noun.startswith("ute"))
    return "an" if vowel and not noun.startswith(_A_ALL_THE_SAME) else "a"


def sentence(rng: np.random.Generator, phrase: str, language: Language, babble: str | None = None) -> str:
    """A random sentence that holds a noun phrase, sometimes with words in it that say nothing.

    Args:
        rng: source of every choice.
        phrase: English with its article, if it takes one ("a red car"), or Chinese ("红色的汽车").
        language: of the phrase.
        babble: words that mean nothing, to be put before or behind the phrase.
    """
    made = _english(rng, phrase) if language == "en" else _chinese(rng, phrase)
    if babble:  # Chinese without a comma would make one word of it and its neighbour
        made.insert(int(rng.integers(len(made) + 1)), babble if language == "en" else f"，{babble}，")
    return _filled(rng, made, language) if rng.random() < 0.3 else (" " if language == "en" else "").join(made)


def _english(rng: np.random.Generator, phrase: str) -> list[str]:
    draw = rng.random()
    if draw < 0.35:
        return [*_maybe(rng, 0.6, "open"), _part(rng, "en", "verb"), phrase, *_maybe(rng, 0.5, "where", "close")]
    if draw < 0.6:
        return [_part(rng, "en", "show"), phrase, *_maybe(rng, 0.4, "where")]
    if draw < 0.8:
        return [
            _part(rng, "en", "ask"),
            phrase,
            *_maybe(rng, 0.5, "where", "close"),
            *([] if rng.random() < 0.5 else ["?"]),
        ]
    return [phrase, *_maybe(rng, 0.8, "where", "close")]


def _chinese(rng: np.random.Generator, phrase: str) -> list[str]:
    def some(share: float, *names: str) -> list[str]:
        return _maybe(rng, share, *names, language="zh")

    draw = rng.random()
    if draw < 0.35:
        return [*some(0.6, "open"), _part(rng, "zh", "verb"), *some(0.5, "where", "which"), phrase, *some(0.4, "close")]
    if draw < 0.45:  # 把 moves the object before the verb
        return [
            *some(0.5, "open"),
            "把",
            *some(0.6, "where", "which"),
            phrase,
            _part(rng, "zh", "verb"),
            *some(0.5, "close"),
        ]
    if draw < 0.65:
        return [_part(rng, "zh", "show"), *some(0.3, "which"), phrase, *some(0.3, "after")]
    if draw < 0.8:
        return [_part(rng, "zh", "ask"), *some(0.3, "which"), phrase, *some(0.4, "close")]
    return [*some(0.5, "where", "which"), phrase, *some(0.5, "after", "close")]


def _filled(rng: np.random.Generator, parts: list[str], language: Language) -> str:
    """The parts with one to four fillers between them."""
    fillers, made = _FILLERS[language], list(parts)
    for _ in range(int(rng.integers(1, 5))):
        made.insert(int(rng.integers(len(made) + 1)), fillers[rng.integers(len(fillers))])
    return (" " if language == "en" else "").join(made)


def _maybe(rng: np.random.Generator, share: float, *names: str, language: Language = "en") -> list[str]:
    if rng.random() >= share:
        return []
    return [_part(rng, language, names[rng.integers(len(names))])]


def _part(rng: np.random.Generator, language: Language, name: str) -> str:
    choices = _PARTS[language][name]
    return choices[rng.integers(len(choices))]
