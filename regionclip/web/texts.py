"""What the page says, in English and Chinese."""

from typing import Final

from regionclip.answers.explanation import Verdict

TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "words": "Words",
        "words_how": "one label a line, English or Chinese; name=phrase|phrase gives a label several phrases",
        "threshold": "Threshold",
        "threshold_how": "least confidence of what is shown",
        "ask": "Find",
        "download": "Download the vocabulary (TOML)",
        "about": "Finds what you name in pictures, videos and camera frames",
        "tab_picture": "Picture",
        "picture_in": "Picture to look at",
        "answer": "What was found",
        "table": "Scores and reasons",
        "heat": "Heat map",
        "heat_of": "Label",
        "heat_how": "where it fits in the picture; a white line goes round what reaches the threshold",
        "tab_video": "Video",
        "video_in": "Video to look at",
        "every": "Look at each so many frames",
        "run": "Annotate",
        "stop": "Stop",
        "results": "Download the results (JSONL)",
        "tab_camera": "Camera",
        "camera_in": "Camera of this computer",
        "columns": "found|region|label|phrase|score|margin|confidence|reason",
        "encoded": "{found} found in {regions} regions; encoded and asked in {ms:.0f} ms",
        "again": "{found} found in {regions} regions; asked again in {ms:.0f} ms, without encoding the picture again",
        "watched": "{found} found; {ms:.0f} ms for this frame",
        "done": "{s.frames} frames, {s.tracks} things followed, in {s.wall_seconds:.1f} s",
        "no_words": "no words to look for: write one label a line, such as person",
        "no_picture": "no picture yet: choose one first",
        "no_video": "no video yet: choose one first",
        "error": "Error",
    },
    "zh-CN": {
        "words": "词语",
        "words_how": "每行一个标签，中文或英文；“名称=短语|短语”给一个标签多个短语",
        "threshold": "阈值",
        "threshold_how": "显示结果的最低置信度",
        "ask": "查找",
        "download": "下载词表（TOML）",
        "about": "在图片、视频和摄像头画面中查找您写下的事物",
        "tab_picture": "图片",
        "picture_in": "待查图片",
        "answer": "结果",
        "table": "得分与原因",
        "heat": "热力图",
        "heat_of": "标签",
        "heat_how": "该标签与画面各处的匹配程度；白线圈出达到阈值的部分",
        "tab_video": "视频",
        "video_in": "待查视频",
        "every": "每隔多少帧查看一次",
        "run": "标注",
        "stop": "停止",
        "results": "下载结果（JSONL）",
        "tab_camera": "摄像头",
        "camera_in": "本机摄像头",
        "columns": "命中|区域|标签|短语|得分|差距|置信度|原因",
        "encoded": "在 {regions} 个区域中找到 {found} 个；编码与查询共 {ms:.0f} 毫秒",
        "again": "在 {regions} 个区域中找到 {found} 个；再次查询用时 {ms:.0f} 毫秒，图片没有重新编码",
        "watched": "找到 {found} 个；本帧用时 {ms:.0f} 毫秒",
        "done": "{s.frames} 帧，跟踪到 {s.tracks} 个目标，用时 {s.wall_seconds:.1f} 秒",
        "no_words": "没有要找的词语：请每行写一个标签，例如：人",
        "no_picture": "还没有图片：请先选择一张",
        "no_video": "还没有视频：请先选择一个",
        "error": "错误",
    },
}
"""By language as a browser names it; both have the same keys."""

_REASONS: Final = {
    "kept": "保留",
    "invalid": "框在画面内没有面积",
    "threshold": "{v.confidence:.2f} 低于阈值 {v.threshold:.2f}",
    "overlap": "与区域 {v.rival_region} 的“{v.rival}”重叠（IoU {v.iou:.2f}）",
    "top_k": "该区域已有更好的“{v.rival}”",
    "max_detections": "超出结果数上限",
}
"""What `Verdict.reason` says in English, by `Verdict.decision`, as far as labels without groups and attributes go."""


def reason(verdict: Verdict, language: str) -> str:
    """Why a label came out, or did not."""
    return _REASONS[verdict.decision].format(v=verdict) if language == "zh-CN" else verdict.reason
