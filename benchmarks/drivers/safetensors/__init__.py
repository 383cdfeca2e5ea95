"""The safetensors library."""
