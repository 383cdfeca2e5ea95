"""The small GPT, with PyTorch's own attention."""

from torch import Tensor
from torch.nn import functional

from benchmarks.workloads import gpt

Parameters = dict[str, Tensor]


def loss(parameters: Parameters, tokens: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy of the next tokens."""
    x = functional.embedding(tokens, parameters["token_embedding/embeddings"]) + parameters["position_embeddings"]
    for index in range(gpt.LAYERS):
        block = f"blocks/{index}"
        x = x + _attention(parameters, block, _normalize(parameters, f"{block}/normalization_1", x))
        hidden = _dense(parameters, f"{block}/expansion", _normalize(parameters, f"{block}/normalization_2", x))
        x = x + _dense(parameters, f"{block}/contraction", functional.gelu(hidden))
    logits = _dense(parameters, "output", _normalize(parameters, "normalization", x))
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def _attention(parameters: Parameters, block: str, x: Tensor) -> Tensor:
    batch, length, width = x.shape
    packed = _dense(parameters, f"{block}/query_key_value", x)
    query, key, value = packed.view(batch, length, 3, gpt.HEADS, width // gpt.HEADS).permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    return _dense(parameters, f"{block}/projection", mixed.transpose(1, 2).reshape(batch, length, width))


def _dense(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    return functional.linear(x, parameters[f"{name}/kernel"], parameters[f"{name}/bias"])


def _normalize(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], parameters[f"{name}/gamma"], parameters[f"{name}/beta"], gpt.EPSILON)
