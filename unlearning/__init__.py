"""The demo family's making: its text, its losses, its trainer and its recipe.

Never imported to show a model.
"""
