"""The page: words on the left, tabs on the right."""

from typing import Any, Final

import gradio as gr

from regionclip.detector import Detector
from regionclip.web.events import said
from regionclip.web.tabs import KEPT, Asking, camera_tab, picture_tab, video_tab
from regionclip.words.vocabulary import Vocabulary

HEAD: Final = """<head><script>
{ const asked = new URLSearchParams(location.search).get("lang") || "%s" || navigator.language;
  const language = asked.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
  Object.defineProperty(navigator, "language", {get: () => language});
  Object.defineProperty(navigator, "languages", {get: () => [language]}); }
</script>"""
"""Comes before all else: gradio speaks the browser's language, its own texts included, so the browser is told which."""

_WORDS: Final = "regionclip.words"
"""Where the browser keeps them."""

_CSS: Final = """
.gradio-container {max-width: 1500px !important}
#languages {text-align: right}
.fine {opacity: .7}
"""


def appearance() -> dict[str, Any]:
    """How gradio shall serve the page."""
    theme = gr.themes.Default(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace"])
    return {"i18n": said, "theme": theme, "css": _CSS, "footer_links": [], "run_history": False}


def build(detector: Detector) -> gr.Blocks:
    """The page that asks a detector."""
    card, least = detector.tower.card, float(detector.thresholds(Vocabulary(["-"]))[0])
    page = gr.Blocks(title="regionclip", analytics_enabled=False, delete_cache=(600, KEPT))
    with page:
        with gr.Row():
            with gr.Column(scale=4):
                gr.Markdown("# regionclip")
                gr.Markdown(said("about"))
            gr.HTML('<a href="?lang=en">English</a> · <a href="?lang=zh">中文</a>', elem_id="languages")
        language = gr.Textbox("en", visible=False)
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                words = gr.Textbox(
                    label=said("words"), info=said("words_how"), placeholder="person\n红色背包\nforklift=forklift|叉车",
                    lines=9, max_length=100_000, elem_id="words",
                )  # fmt: skip
                threshold = gr.Slider(
                    0, 1, least, step=0.01, label=said("threshold"), info=said("threshold_how"), elem_id="threshold"
                )
                download = gr.DownloadButton(
                    said("download"),  # type: ignore[arg-type]
                    interactive=False,
                    size="sm",
                    elem_id="download",
                )
            with gr.Column(scale=4):
                asking = Asking(detector, words, threshold, language, download)
                picture_tab(asking)
                video_tab(asking)
                camera_tab(asking)
        gr.Markdown(" · ".join(filter(None, [f"{card.name} @ {card.revision}", card.notice])), elem_classes="fine")
        page.load(None, None, language, js="() => navigator.language", api_visibility="private")
        # Another language loads the page anew; the words stay. In the browser alone: an event of the server that ends
        # just when the button is pressed could take the button's answer with it.
        page.load(None, None, words, js=f"() => localStorage.getItem('{_WORDS}') || ''", api_visibility="private")
        words.change(
            None, words, None, js=f"text => {{ localStorage.setItem('{_WORDS}', text) }}", api_visibility="private"
        )
    page.queue(max_size=64)
    return page
