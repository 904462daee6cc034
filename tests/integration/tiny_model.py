"""A sentence-transformers model of no intelligence: right in form, its weights are dice."""

from __future__ import annotations

from pathlib import Path

from qa.library.encoders import bundled_path


def save_tiny_model(
    folder: Path, *, dimension: int = 48, max_tokens: int = 64, prompts: dict[str, str] | None = None
) -> Path:
    """Save one that makes vectors of ``dimension`` from up to ``max_tokens`` tokens, special ones included."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    parts = folder / "parts"
    tokenizer = AutoTokenizer.from_pretrained(str(bundled_path()))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=dimension,
        max_position_embeddings=max_tokens,
    )
    BertModel(config).save_pretrained(parts)
    tokenizer.model_max_length = max_tokens
    tokenizer.save_pretrained(parts)
    transformer = Transformer(str(parts), max_seq_length=max_tokens)
    saved = folder / "tiny"
    SentenceTransformer(modules=[transformer, Pooling(dimension)], prompts=prompts, device="cpu").save(str(saved))
    return saved
