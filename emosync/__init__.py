"""What EmoSync knows of audio, images, models and results; nothing of Flask."""
