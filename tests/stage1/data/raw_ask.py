"""A correct `ask` on the standard library alone: the second solution that `compare` must accept.

`small` speaks OpenAI Responses and `big` Anthropic Messages. The tests also spoil it, one line at a
time, by replacing text of this file, to see that each check notices what it is for.
"""

import http.client
import json
import os
import sys
import time
from urllib.parse import urlsplit

KEY = os.environ["OPENAI_API_KEY"]
MODELS = {"small": "gpt-4o-mini", "big": "claude-opus-4-6"}
# USD per million tokens: input, cached input, output
PRICES = {"gpt-4o-mini": (0.15, 0.075, 0.6), "claude-opus-4-6": (5.0, 0.5, 25.0)}


class Problem(Exception):
    pass


def send(model, question):
    body = {"model": model, "stream": True}
    if model.startswith("claude"):
        address = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
        body |= {"max_tokens": 1000, "messages": [{"role": "user", "content": question}]}
    else:
        address = os.environ["OPENAI_BASE_URL"] + "/responses"
        headers = {"authorization": f"Bearer {KEY}"}
        body |= {"input": question}
    url = urlsplit(address)
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    headers["content-type"] = "application/json"
    connection.request("POST", url.path, json.dumps(body), headers)
    return connection.getresponse()


def opened(model, question):
    for attempt in range(4):
        answer = send(model, question)
        if answer.status == 200:
            return answer
        if answer.status not in (429, 500, 503, 529):
            break
        time.sleep(float(answer.headers.get("retry-after", 0.05 * (attempt + 1))))
    raise Problem(f"the provider refused with status {answer.status}; is the API key right?")


def events(answer):
    for line in answer:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def read(answer, say):
    usage = {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}
    ended = False
    for event in events(answer):
        if event["type"] == "response.output_text.delta":
            say(event["delta"])
        elif event["type"] == "content_block_delta":
            say(event["delta"]["text"])
        elif event["type"] == "message_delta":
            usage = event["usage"]
        elif event["type"] == "response.completed":
            usage = event["response"]["usage"]
        ended = event["type"] in ("message_stop", "response.completed")
    if not ended:
        raise Problem("the answer broke off before its end")
    return usage


def counted(usage):
    if "input_tokens_details" in usage:
        return usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"]
    cached = usage["cache_read_input_tokens"]
    return usage["input_tokens"] + cached, cached


def ask(name, question):
    if not question.strip():
        raise Problem("the question is empty, give one")
    model, start, first = MODELS[name], time.monotonic(), []

    def say(text):
        first.append(time.monotonic() - start)
        sys.stdout.write(text)
        sys.stdout.flush()

    usage = read(opened(model, question), say)
    total, cached = counted(usage)
    plain, reduced, output = PRICES[model]
    cost = ((total - cached) * plain + cached * reduced + usage["output_tokens"] * output) / 1e6
    receipt = {
        "model": model,
        "input_tokens": total,
        "output_tokens": usage["output_tokens"],
        "cost_usd": cost,
        "first_token_s": first[0],
        "total_s": time.monotonic() - start,
    }
    print("\n" + json.dumps(receipt))


try:
    sys.stdout.reconfigure(encoding="utf-8")
    ask(sys.argv[2], sys.argv[3])
except (Problem, http.client.HTTPException, OSError) as problem:
    print(f"ask: no whole answer, {problem!r}", file=sys.stderr)
    sys.exit(1)
