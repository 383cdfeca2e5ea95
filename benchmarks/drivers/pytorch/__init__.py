"""PyTorch, eager and with torch.compile, each as fast as its users would make it.

Images are channels-last where that is faster, optimizers are the fused ones, and gradients are set to None between
steps.
"""
