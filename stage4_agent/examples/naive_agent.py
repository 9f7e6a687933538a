"""A first attempt at an agent, written in twenty minutes. It looks right and it works.

Examine it with `make compare STAGE=4 MINE='python stage4_agent/examples/naive_agent.py'`,
then find and mend what the failed checks name. It is wrong on purpose: do not build on it.
"""

# ruff: noqa: T201, S310 (printing is its work, and the addresses are the examiner's)
import json
import os
import sys
import urllib.request

URL, KEY = os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"]


def post(url, body):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def main():
    job = json.load(sys.stdin)
    tools = [
        {"type": "function", "function": {name: tool[name] for name in tool if name != "writes"}}
        for tool in job["tools"]
    ]
    messages = [{"role": "user", "content": job["task"]}]
    for _ in range(job["steps"]):
        reply = post(
            f"{URL}/chat/completions",
            {"model": "gpt-4.1-mini", "messages": messages, "tools": tools},
        )
        message = reply["choices"][0]["message"]
        messages.append(message)
        if not message.get("tool_calls"):
            print(message["content"])
            return
        for call in message["tool_calls"]:
            function = call["function"]
            arguments = json.loads(function["arguments"])
            answer = post(
                f"{job['tools_url']}/call", {"name": function["name"], "arguments": arguments}
            )
            messages.append(
                {"role": "tool", "tool_call_id": call["id"], "content": str(answer["result"])}
            )
    print("Sorry, I could not find the answer.")


if __name__ == "__main__":
    main()
