"""Chat models within this process, by transformers: for machines without a network and without a server beside.

Not through langchain-huggingface: its releases want a huggingface_hub older than the transformers pinned here, its
pipeline's stream can neither be stopped nor say why it failed, and it reports no tokens. transformers and torch are
imported when the first question is asked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.errors import ModelError, ModelMissingError, ModelReplyError
from qa.llm import ModelConfig, Piece, Sampling
from qa.models import Usage
from qa.prompt import Message

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Loaded:
    tokenizer: Any
    model: Any

    @property
    def context(self) -> int | None:
        """The most tokens the model was made for."""
        told = getattr(self.model.config, "max_position_embeddings", None)
        return told if isinstance(told, int) and told > 0 else None

    @cached_property
    def special(self) -> tuple[str, ...]:
        """What the tokenizer takes for something else than text: ends of messages, roles."""
        added = (str(token) for token in self.tokenizer.added_tokens_decoder.values() if token.special)
        return tuple({token for token in (*added, *self.tokenizer.all_special_tokens) if len(token) > 1})


class LocalBackend:
    """One model, loaded once; one reply at a time, the others wait.

    ``config.name`` is a directory of weights as transformers keeps them, a ``.gguf`` file, or the name of a model that
    was downloaded before.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._found: _Loaded | None = None
        self._turn = asyncio.Lock()
        # A thread of its own: a reply takes long, and the default threads serve retrieval.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-model")

    @property
    def context(self) -> int | None:
        """The most tokens the model was made for. May load it."""
        return self._loaded().context

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for the weights to be loaded and for the reply before: neither is the model's being late."""
        async with self._turn:
            await asyncio.to_thread(self._loaded)
            yield

    def count(self, text: str) -> int:
        """Tokens of ``text`` by the model's own tokenizer. May load it."""
        return len(self._loaded().tokenizer(text, add_special_tokens=False).input_ids)

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        """The reply as it is computed. Closed early, the computation ends with the token it is at."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Piece | ModelError] = asyncio.Queue()
        stop = threading.Event()

        def give(piece: Piece | ModelError) -> None:
            if not stop.is_set():
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        computing: Future[None] = self._worker.submit(self._compute, messages, sampling, give, stop)
        try:
            while True:
                piece = await pieces.get()
                if isinstance(piece, ModelError):
                    raise piece
                yield piece
                if piece.reason:
                    return
        finally:
            stop.set()
            computing.cancel()

    def _compute(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        give: Callable[[Piece | ModelError], None],
        stop: threading.Event,
    ) -> None:
        try:
            give(self._generate(messages, sampling, give, stop))
        except ModelError as error:
            give(error)
        except Exception as error:  # noqa: BLE001  out of memory, a broken model: what torch raises is not told
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            failure = ModelReplyError(f"{self._config.spec} failed: {reason}")
            failure.__cause__ = error
            give(failure)

    def _generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        give: Callable[[Piece | ModelError], None],
        stop: threading.Event,
    ) -> Piece:
        """Hand on the text as it comes; returns the last piece, which says why it ended and what it took."""
        import torch
        from transformers import StoppingCriteriaList, TextStreamer

        class Streamer(TextStreamer):
            def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
                if text:
                    give(Piece(text))

        def stopped(ids: torch.Tensor, _scores: object, **_more: object) -> torch.Tensor:
            return ids.new_full((ids.shape[0],), stop.is_set(), dtype=torch.bool)

        loaded = self._loaded()
        prompt = self._prompt(loaded, messages).to(loaded.model.device)
        given = prompt.input_ids.shape[1]
        drawn = {"do_sample": True, "temperature": sampling.temperature} if sampling.temperature else {}
        ids = loaded.model.generate(
            **prompt,
            max_new_tokens=sampling.max_tokens,
            streamer=Streamer(loaded.tokenizer, skip_prompt=True, skip_special_tokens=True),
            stopping_criteria=StoppingCriteriaList([stopped]),
            **({"do_sample": False, "temperature": None, "top_p": None, "top_k": None} | drawn),
        )[0]
        made = len(ids) - given
        whole = made < sampling.max_tokens
        return Piece(reason="stop" if whole else "length", usage=Usage(input_tokens=given, output_tokens=made))

    def _prompt(self, loaded: _Loaded, messages: Sequence[Message]) -> Any:
        """The messages in the model's own chat format, in which no text can pass for the format itself."""

        def plain(text: str) -> str:
            for token in loaded.special:
                text = text.replace(token, f"{token[0]} {token[1:]}")
            return text

        told = [{"role": message.role, "content": plain(message.content)} for message in messages]
        as_one = [{"role": "user", "content": "\n\n".join(message["content"] for message in told)}]
        tokenizer = loaded.tokenizer
        if not tokenizer.chat_template:
            # A model that was never taught to chat goes on with a text.
            return tokenizer(as_one[0]["content"] + "\nAnswer:", return_tensors="pt")
        for conversation in (told, as_one):
            try:
                return tokenizer.apply_chat_template(
                    conversation, add_generation_prompt=True, return_tensors="pt", return_dict=True
                )
            except Exception as error:  # noqa: BLE001  a template is the model's own little program
                # Some have no system message, or insist on turns that alternate.
                refused = error
        raise ModelReplyError(f"{self._config.spec}: its chat template cannot be used: {refused}") from refused

    def _loaded(self) -> _Loaded:
        with self._lock:
            if self._found is None:
                self._found = self._load()
            return self._found

    def _load(self) -> _Loaded:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        name = self._config.name
        options: dict[str, Any] = {}
        weights: dict[str, Any] = {"dtype": "auto"}
        if name.lower().endswith(".gguf"):
            options["gguf_file"] = Path(name).name
            # Unpacked: computing with packed weights takes kernels that would have to be downloaded.
            weights = {"dtype": torch.bfloat16, "quantization_config": GgufConfig(dequantize=True)}
            name = str(Path(name).parent)
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False, **options)
            model = AutoModelForCausalLM.from_pretrained(name, trust_remote_code=False, **options, **weights)
        except ImportError as error:
            raise ModelMissingError(
                f"{self._config.spec} needs a package that is not installed: {str(error).splitlines()[0]}",
                hint="For .gguf files run `pip install 'dateline[gguf]'`.",
            ) from error
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelMissingError(
                f"the model {self._config.name} cannot be loaded: {reason}",
                hint="Name a directory of weights or a .gguf file, or download the model once while online.",
            ) from error
        device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
        model.to(device)  # type: ignore[arg-type]  # transformers' wrapper hides what it takes
        return _Loaded(tokenizer, model)
