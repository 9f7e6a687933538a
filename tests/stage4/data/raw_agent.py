"""A second solution for the examiner's tests: no SDK, Anthropic Messages, threads.

Nothing of it comes from this project. Its lines are spoilt one at a time, to see who notices.
"""

import concurrent.futures
import hashlib
import json
import os
import sys
import urllib.error
import urllib.request

KEY = os.environ["ANTHROPIC_API_KEY"]
URL = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
JOB = json.load(sys.stdin)
TOOLS = {tool["name"]: tool for tool in JOB["tools"]}
KINDS = {"string": str, "integer": int}
LONGEST = 4000
SEEN = {}


def post(url, body, timeout):
    headers = {"Content-Type": "application/json", "x-api-key": KEY}
    headers["anthropic-version"] = "2023-06-01"
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=timeout) as got:
        return json.load(got)


def ask(messages, last):
    body = {"model": "any", "max_tokens": 500, "messages": messages}
    body["tools"] = [
        {"name": t["name"], "description": t["description"], "input_schema": t["parameters"]}
        for t in JOB["tools"]
    ]
    if last:
        body["tool_choice"] = {"type": "none"}
    return post(URL, body, 30)


def complaint(name, given):
    if name not in TOOLS:
        return f"no tool {name}; there are {', '.join(TOOLS)}"
    for field, schema in TOOLS[name]["parameters"]["properties"].items():
        if type(given.get(field)) is not KINDS[schema["type"]]:
            return f"{field} must be of type {schema['type']}"
    return ""


def run(name, given, key):
    body = {"name": name, "arguments": given, "key": key}
    timeout = JOB["tool_timeout_s"]
    try:
        if TOOLS[name]["writes"]:
            asked = {"name": name, "arguments": given}
            if post(JOB["tools_url"] + "/approve", asked, timeout)["decision"] != "yes":
                return "refused by a person"
        answer = post(JOB["tools_url"] + "/call", body, timeout)
    except (OSError, ValueError) as error:
        return f"the tool is broken: {error}"
    if "error" in answer:
        return "error: " + answer["error"]
    text = json.dumps(answer["result"])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} (cut from {len(text)})"


def once(call):
    name, given = call["name"], call["input"]
    key = hashlib.sha256(json.dumps([name, given], sort_keys=True).encode()).hexdigest()
    wrong = complaint(name, given)
    if wrong:
        return wrong
    if key not in SEEN:
        SEEN[key] = run(name, given, key)
    return SEEN[key]


def main():
    messages = [{"role": "user", "content": JOB["task"]}]
    for step in range(JOB["steps"]):
        last = step == JOB["steps"] - 1
        reply = ask(messages, last)["content"]
        calls = [part for part in reply if part["type"] == "tool_use"]
        if not calls:
            text = "".join(part["text"] for part in reply if part["type"] == "text")
            print(f"Partial, at the limit: {text}" if last else text)
            sys.exit(1 if last else 0)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            said = list(pool.map(once, calls))
        messages.append({"role": "assistant", "content": reply})
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": text}
            for call, text in zip(calls, said, strict=True)
        ]
        messages.append({"role": "user", "content": results})


try:
    main()
except urllib.error.HTTPError as error:
    sys.exit(f"the model refused the call with status {error.code}")
