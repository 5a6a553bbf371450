"""The parts of README.md that follow from the code, the models and their cards."""
