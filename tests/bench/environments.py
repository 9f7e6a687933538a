"""Who takes part: this project, and peers from PyPI, each in an environment of its own.

A peer is installed once into `.stages/bench` with the version named here, byte-compiled, and used
from there without a network. Nothing is ever added to the project's own environment.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CACHE = ROOT / ".stages" / "bench"
PEERS = {
    "llm": ["llm==0.36"],
    "clients": ["httpx==0.28.1", "aiohttp==3.14.5", f"httpx2=={version('httpx2')}"],
}


class PeerMissing(RuntimeError): ...


def peer(name: str) -> Path:
    """The `bin` folder of the peer's environment, made now if it is not there."""
    folder = CACHE / name
    stamp = folder / "installed.txt"
    wanted = "\n".join([sys.version, *PEERS[name]])
    if not stamp.is_file() or stamp.read_text() != wanted:
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        python = str(folder / "bin" / "python")
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--python", python, *PEERS[name])
        stamp.write_text(wanted)
    return folder / "bin"


def uv() -> str:
    """uv's own variable inside `uv run`, else the one on PATH, else the one that make fetched."""
    found = os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=ROOT / ".uv/bin")
    if not found:
        raise PeerMissing("uv was not found: start this with `make bench`")
    return found


def own(command: str) -> str:
    """A command of the environment that this runs in."""
    return str(Path(sys.executable).parent / command)


def clean_environment() -> dict[str, str]:
    """The parent's, without keys and proxies: nothing here may leave this machine."""
    hidden = ("_API_KEY", "_PROXY", "_proxy", "_BASE_URL")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(hidden) and not name.startswith(("STAGES_", "OTEL_", "PYTHON"))
    }


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: version(name) for name in ("httpx2", "openai", "anthropic")}
        | dict(one.split("==") for wanted in PEERS.values() for one in wanted),
    }


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _uv(*arguments: str) -> None:
    done = subprocess.run([uv(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissing(f"uv {arguments[0]} failed (PyPI is needed once):\n{done.stderr.strip()}")
