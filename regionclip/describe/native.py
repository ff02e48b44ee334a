"""Any image-text-to-text model of transformers (SmolVLM, Qwen-VL, LLaVA, InternVL, ...) as a `Speaker`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from regionclip.describe.speaker import Inputs, Prompt, Speaker
from regionclip.errors import WeightsError, few

_SHOWN = 12


class NativeSpeaker(Speaker):
    """A model and the processor that is saved beside it, with its own template of conversations."""

    def __init__(self, model: Any, processor: Any) -> None:  # noqa: ANN401 - of any class
        self.processor, words = processor, processor.tokenizer
        # Where the template leaves no space before the answer, the first word brings its own, as in "Assistant: yes".
        lead = "" if self._template(Prompt((), "?"))[-1].isspace() else " "
        super().__init__(model, words, end=words.eos_token_id, special=words.all_special_tokens, lead=lead)

    @classmethod
    def load(cls, folder: Path, name: str, *, dtype: torch.dtype, device: torch.device) -> Self:
        """See `Speaker.load`; a folder as `save_pretrained` writes it. No code of the checkpoint is run."""
        try:
            processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                folder, local_files_only=True, trust_remote_code=False
            )
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True,
                output_loading_info=True,
            )  # fmt: skip
        except Exception as error:  # transformers and what it calls raise whatever they meet
            raise WeightsError(f"{folder}: not an image-text-to-text model that transformers loads: {error}") from error
        model, told = loaded
        faults = {kind: sorted(map(str, told[f"{kind}_keys"])) for kind in ("missing", "unexpected", "mismatched")}
        if listed := [f"{len(keys)} {kind}: {few(keys, _SHOWN)}" for kind, keys in faults.items() if keys]:
            raise WeightsError(f"{folder}: the weights do not fit the model.\n" + "\n".join(listed))
        if not getattr(processor, "chat_template", None):
            raise WeightsError(f"{folder}: no chat template: take a variant that is trained to answer (-Instruct)")
        return cls(model.to(device).eval(), processor)

    def read(self, prompts: Sequence[Prompt]) -> Inputs:
        """See `Speaker.read`."""
        images = [[Image.fromarray(np.ascontiguousarray(each[..., ::-1])) for each in p.pictures] for p in prompts]
        texts = [self._template(prompt) for prompt in prompts]
        inputs = self.processor(text=texts, images=images, padding=True, padding_side="left", return_tensors="pt")
        return dict(inputs.to(self.model.device, dtype=self.model.dtype))

    def follow(self, inputs: Inputs, tails: torch.Tensor, mask: torch.Tensor) -> Inputs:
        """See `Speaker.follow`; what else there is about each token, as its kind, is 0 for text."""
        shape = inputs["input_ids"].shape
        behind = {"input_ids": tails, "attention_mask": mask}
        return {
            name: torch.cat([value, behind.get(name, torch.zeros_like(tails)).to(value.dtype)], 1)
            if isinstance(value, torch.Tensor) and value.shape == shape
            else value
            for name, value in inputs.items()
        }

    def _template(self, prompt: Prompt) -> str:
        content = [{"type": "image"} for _ in prompt.pictures] + [{"type": "text", "text": prompt.text}]
        turns = [{"role": "user", "content": content}]
        return str(self.processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
