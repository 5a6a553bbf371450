"""What EmoSync knows of audio, images, models and results; nothing of Flask."""

import os

# ONNX Runtime tells its makers of every session, unless this stands here before it is imported.
# What people send to this service is nobody else's business, and neither is what it runs.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
