"""How many tokens a text has, counted on this machine.

The vocabulary is `o200k`, which OpenAI's current models and the offline models are billed by. For
any other model the same count is only an estimate; nothing outside its owner counts it offline.
"""

from __future__ import annotations


def count_tokens(text: str) -> int:
    """Tokens of `text` in the o200k vocabulary, special tokens read as plain text."""
    from rs_bpe import openai  # 48 MB of vocabulary: loaded at the first count, kept by the module

    return int(openai.o200k_base().count(text))
