"""The parts of README.md and its pictures that follow from the code, the models and their cards."""
