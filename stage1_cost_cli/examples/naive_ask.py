"""A first attempt at `ask`, as one would write it in ten minutes. It looks right and it works.

Examine it with `make compare STAGE=1 MINE='python stage1_cost_cli/examples/naive_ask.py'`, then
find and mend what the failed checks name. It is wrong on purpose: do not build on it.
"""

# ruff: noqa: T201 (printing is its work)
import argparse
import json
import sys
import time

from openai import OpenAI

MODELS = {"small": "gpt-6-luna", "big": "gpt-6.1-sol"}
PRICES = {"gpt-6-luna": (0.10, 0.50), "gpt-6.1-sol": (2.00, 10.00)}  # USD per million tokens


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=MODELS, default="small")
    parser.add_argument("question")
    arguments = parser.parse_args()
    model = MODELS[arguments.model]

    client = OpenAI()
    start = time.perf_counter()
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": arguments.question}],
        stream=True,
        stream_options={"include_usage": True},
    )
    first_token_s = time.perf_counter() - start
    input_tokens = output_tokens = 0
    for chunk in stream:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="")
        if chunk.usage:
            input_tokens = chunk.usage.prompt_tokens
            output_tokens = chunk.usage.completion_tokens
    total_s = time.perf_counter() - start
    print()

    input_price, output_price = PRICES[model]
    cost = (input_tokens * input_price + output_tokens * output_price) / 1_000_000
    receipt = {
        "model": model,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cost_usd": cost,
        "first_token_s": first_token_s,
        "total_s": total_s,
    }
    print(json.dumps(receipt), file=sys.stderr)


if __name__ == "__main__":
    main()
